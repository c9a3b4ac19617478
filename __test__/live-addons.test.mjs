// Native addons whose destructors act on the world: V8 calls them in the child too, and nothing must
// come of it.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { before, describe, it } from 'node:test'
import { NO_LIVE, NODE, ROOT, start, temporaryDirectory, testedNodeMajor, whyNotWorking } from './helpers.mjs'

const HEADERS = path.join(path.dirname(fs.realpathSync(NODE)), '..', 'include', 'node')

function whyNotCompiled() {
  if (!fs.existsSync(path.join(HEADERS, 'node_object_wrap.h'))) return `no headers in ${HEADERS}`
  return whyNotWorking('g++', ['--version'], 'g++')
}

/** Which files are there, and how many destructors have run, before and after a capture. */
const script = (addon, options) => `
  const heapdump = require(ADDON)
  const fs = require('fs')
  const { Acting, count } = require(${JSON.stringify(addon)})
  process.on('SIGUSR1', () => say('signalled'))
  ;(function () {
    for (let i = 0; i < 50; i++) {
      fs.writeFileSync('kept' + i, '')
      new Acting(process.cwd() + '/kept' + i, process.pid)
    }
  })()
  const look = () => ({ files: fs.readdirSync('.').filter((name) => name.startsWith('kept')).sort().join(), count: count() })
  const before = look()
  heapdump.writeSnapshotAsync(${JSON.stringify(options)}).then(({ mode }) => {
    const after = look()
    setTimeout(() => say({ mode, before, after }), 100)
  })`

describe('native destructors', { skip: NO_LIVE || whyNotCompiled() }, () => {
  const addon = path.join(temporaryDirectory(), 'finalizer.node')

  before(() => {
    const standard = testedNodeMajor() >= 22 ? 'c++20' : 'c++17'
    const { status, stderr } = spawnSync(
      'g++',
      ['-shared', '-fPIC', '-fno-rtti', `-std=${standard}`, '-w', `-I${HEADERS}`, '-o', addon].concat(
        path.join(ROOT, '__test__', 'finalizer.cc'),
        '-pthread',
      ),
      { encoding: 'utf8' },
    )
    assert.equal(status, 0, stderr)
  })

  it('do nothing outside the child of a live capture', async () => {
    const child = start(script(addon, { live: 'require' }))
    const { mode, before, after } = await child.next()
    assert.equal(mode, 'live')
    assert.equal(before.count, 0)
    assert.deepEqual(after, before)
    assert.deepEqual(child.said, [{ mode, before, after }], 'no signal came')
    child.kill('SIGKILL')
  })

  it('would act without the confinement, which is why it is there', async () => {
    const child = start(script(addon, { live: 'require' }), { fault: 'live-unconfined' })
    const { before, after } = await child.says((value) => value.mode)
    assert.notEqual(after.files, before.files, 'destructors do run in the child')
    assert.ok(child.said.includes('signalled'))
    assert.equal(after.count, 0, 'their writes to shared memory reach nobody all the same')
    child.kill('SIGKILL')
  })

  it('act in process, as ever', async () => {
    const child = start(script(addon, {}))
    const { mode, after } = await child.says((value) => value.mode)
    assert.equal(mode, 'in-process')
    assert.ok(after.count > 0)
    child.kill('SIGKILL')
  })
})
