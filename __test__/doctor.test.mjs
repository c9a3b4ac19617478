// rs-heapdump doctor: what works here, or for a process, and what to do where it does not.

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { answer, PARALLEL, packageVersion, start, startCli, testedNodeMajor, testedNodeVersion } from './helpers.mjs'

const NO_PROC = process.platform !== 'linux' && 'other processes are looked at in /proc'
const IDLE = `setInterval(() => {}, 1000); say('ready')`

async function doctor(args, env = {}) {
  const child = startCli(['doctor', ...args], { env })
  await child.ended()
  return { code: child.end.code, stdout: child.stdout, stderr: child.stderr }
}

async function json(args, env) {
  const { code, stdout, stderr } = await doctor([...args, '--json'], env)
  assert.equal(code, 0, stderr)
  const { version, ...rest } = JSON.parse(stdout)
  assert.equal(version, 1)
  return rest
}

async function started(script, options) {
  const child = start(script, options)
  await child.says('ready')
  return child
}

describe('doctor', PARALLEL, () => {
  it('says what support() says, and what to do', async () => {
    const { here } = await json([])
    const support = await answer(`say(require(ADDON).support())`)
    assert.equal(here.version, packageVersion())
    assert.equal(here.node, testedNodeVersion())
    assert.equal(here.mode, support.mode)
    for (const { name, ...capability } of here.capabilities) {
      assert.deepEqual(capability, support[name], name)
    }
    const { code, stdout } = await doctor([], { NODE_HEAPDUMP_OPTIONS: 'nosignal' })
    assert.equal(code, 0)
    assert.match(stdout, /\n {2}no {2}signal .*nosignal\n +→ rs-heapdump capture PID does not need the signal\n/)
    assert.match(stdout, /\nnext: rs-heapdump capture\n$/)
  })

  it('says it of the portable engine', async () => {
    const { here } = await json([], { RS_HEAPDUMP_FAULT: 'no-v8-symbols' })
    const of = (name) => here.capabilities.find((capability) => capability.name === name)
    assert.equal(here.mode, 'portable')
    assert.equal(of('inProcess').available, false)
    assert.match(of('inProcess').hint, /\w/)
    assert.equal(of('capture').available, false)
  })
})

describe('doctor PID', { ...PARALLEL, skip: NO_PROC }, () => {
  it('asks the addon there', async () => {
    const child = await started(`require(ADDON); ${IDLE}`, { options: 'nosignal' })
    const { process: found, addon, addon_obstacle, inspector_obstacle } = await json([child.pid])
    assert.equal(found.pid, child.pid)
    assert.equal(found.addon, 'listening')
    assert.deepEqual(addon.threads, [0])
    assert.equal(addon_obstacle, null)
    assert.equal(inspector_obstacle, null)
    const signal = addon.capabilities.find(({ name }) => name === 'signal')
    assert.deepEqual([signal.available, /nosignal/.test(signal.detail)], [false, true])
    assert.equal(child.stderr, '', 'which is all that it notices')
  })

  it('says what is left without the addon', async () => {
    const child = await started(IDLE, { nodeArgs: ['--inspect-port=0'] })
    const { code, stdout } = await doctor([child.pid])
    assert.equal(code, 0)
    assert.match(stdout, /no {2}addon +the addon is not loaded\n +→ .*rs-heapdump run/)
    assert.match(stdout, /yes inspector +SIGUSR1 opens it/)
    assert.match(stdout, new RegExp(`next: rs-heapdump capture ${child.pid}\n$`))
    assert.equal(child.stderr, '')
  })

  const disabled = testedNodeMajor() < 22 && 'this Node has no --disable-sigusr1'
  it('says when nothing is', { skip: disabled }, async () => {
    const child = await started(IDLE, { nodeArgs: ['--disable-sigusr1'] })
    const { addon, inspector_obstacle } = await json([child.pid])
    assert.equal(addon, null)
    assert.equal(inspector_obstacle.code, 'ERR_HEAPDUMP_UNSUPPORTED')
    assert.match(inspector_obstacle.message, /--disable-sigusr1/)
    assert.match(inspector_obstacle.hint, /rs-heapdump run/)
    assert.equal(child.end, null)
  })

  it('says that there is no such process', async () => {
    const { code, stderr } = await doctor([2 ** 31 - 1])
    assert.equal(code, 2)
    assert.match(stderr, /ESRCH/)
  })
})
