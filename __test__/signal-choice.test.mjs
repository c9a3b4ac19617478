// signal=NAME: another signal than SIGUSR2 asks for snapshots; those that belong to somebody are refused.

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { aWhile, filesIn, PARALLEL, snapshotsIn, start } from './helpers.mjs'

const SCRIPT = `
  process.on('warning', function (warning) { say({ warning: warning.message, code: warning.code }) })
  const heapdump = require(ADDON)
  setInterval(function () {}, 1000)
  setImmediate(function () { say({ ready: heapdump.support().signal }) })`

describe('signal=', PARALLEL, () => {
  const cases = [
    ['SIGHUP', 'SIGHUP', 'SIGHUP'],
    ['hup', 'SIGHUP', 'SIGHUP'],
    ['QUIT', 'SIGQUIT', 'SIGQUIT'],
    ['SIGUSR2', 'SIGUSR2', 'SIGUSR2'],
    // Where they begin is the C library's business; they end at 64.
    ['SIGRTMAX', 'SIGRTMAX', 64],
    ['rtmax-3', 'SIGRTMAX-3', 61],
  ]
  for (const [word, name, signal] of cases) {
    const skip = typeof signal === 'number' && process.platform !== 'linux' && 'only Linux has real-time signals'
    it(`${word}: takes snapshots, and support() names it`, { skip }, async () => {
      const child = start(SCRIPT, { options: `signal=${word}` })
      assert.deepEqual(await child.next(), { ready: { available: true, detail: name } })
      process.kill(child.pid, signal)
      await child.snapshots(1)
      await child.complains(/written to/)
      child.kill('SIGKILL')
      await child.ended()
    })
  }

  it('leaves SIGUSR2 to the program', async () => {
    const child = start(`process.once('SIGUSR2', function () { say('mine') }); ${SCRIPT}`, { options: 'signal=HUP' })
    await child.says((value) => value.ready)
    child.kill('SIGUSR2')
    await child.says('mine')
    await aWhile()
    assert.deepEqual(snapshotsIn(child.directory), [])
    child.kill('SIGUSR2')
    assert.equal((await child.ended()).signal, 'SIGUSR2')
  })

  it('shares the signal with listeners of the program, which come and go', async () => {
    const child = start(
      `${SCRIPT}
      process.once('SIGHUP', function (name, number) { say([name, number]) })`,
      { options: 'signal=HUP' },
    )
    await child.says((value) => value.ready)
    child.kill('SIGHUP')
    await child.says((value) => value[0] === 'SIGHUP')
    await child.snapshots(1)
    await child.complains(/written to/, 1)
    child.kill('SIGHUP') // its listener is gone, which would have restored the default action: death
    await child.snapshots(2)
    await child.complains(/written to/, 2)
    child.kill('SIGKILL')
    await child.ended()
  })

  const refused = {
    KILL: /lets nobody handle it/,
    STOP: /lets nobody handle it/,
    SIGUSR1: /inspector/,
    SEGV: /fault/,
    SIGABRT: /fault/,
    prof: /CPU profiler/,
    PIPE: /broken connection/,
    CHLD: /child processes/,
    TERM: /process managers/,
    SIGINT: /process managers/,
    WINCH: /size changes/,
    CONT: /shells/,
    XFSZ: /limit/,
    NONSENSE: /names no signal/,
    12: /names no signal/,
    'RTMIN+200': /this platform has no SIGRTMIN\+200/,
  }
  for (const [word, reason] of Object.entries(refused)) {
    it(`${word}: is refused with the reason, and then no signal takes snapshots`, async () => {
      const child = start(SCRIPT, { options: `signal=${word}` })
      const { ready } = await child.says((value) => value.ready)
      assert.equal(ready.available, false)
      assert.match(ready.detail, reason)
      const warning = await child.until(() => child.said.find((value) => value.warning), 'a warning')
      assert.match(warning.warning, /^no signal takes snapshots: /)
      assert.match(warning.warning, reason)
      assert.equal(warning.code, 'ERR_HEAPDUMP_ARGUMENT')
      child.kill('SIGUSR2')
      assert.equal((await child.ended()).signal, 'SIGUSR2')
      assert.deepEqual(filesIn(child.directory), [])
    })
  }

  it('the later word wins, also over a refused one', async () => {
    for (const [options, available] of [
      ['signal=TERM,signal', true],
      ['signal=HUP,nosignal', false],
      ['nosignal,signal=usr2', true],
    ]) {
      const child = start(SCRIPT, { options })
      assert.equal((await child.next()).ready.available, available, options)
      child.kill('SIGKILL')
      await child.ended()
    }
  })
})
