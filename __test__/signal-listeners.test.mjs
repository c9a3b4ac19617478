// The program's own SIGUSR2 listeners and ours: both are called, in whatever order they come and go.

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { aWhile, filesIn, PARALLEL, snapshotsIn, start } from './helpers.mjs'

const LOAD = `const heapdump = require(ADDON)`
const LISTEN = `process.on('SIGUSR2', mine)`
const ONCE = `process.once('SIGUSR2', mine)`
const REMOVE = `process.removeListener('SIGUSR2', mine)`
const REMOVE_ALL = `process.removeAllListeners('SIGUSR2')`
const OTHER = `process.on('SIGUSR1', function () {}); process.on('SIGHUP', function () {})`

/** A process that does these things, one each turn of the event loop. */
const script = (steps) => `
  let heapdump
  function mine(name, number) { say([name, number]) }
  process.on('SIGTERM', function () { process.exit(0) })
  setInterval(function () {}, 1000)
  const steps = [${steps.map((step) => `function () { ${step.replace('const ', '')} }`).join(',')}]
  ;(function next() {
    if (steps.length === 0) return say('ready')
    steps.shift()()
    setTimeout(next, 5)
  })()`

describe('a SIGUSR2 listener of the program', PARALLEL, () => {
  // For each of two signals: whether the listener is called.
  const cases = [
    ['never there', [LOAD], [false, false]],
    ['added before loading', [LISTEN, LOAD], [true, true]],
    ['added after loading', [LOAD, LISTEN], [true, true]],
    ['added once, before loading', [ONCE, LOAD], [true, false]],
    ['added once, after loading', [LOAD, ONCE], [true, false]],
    ['added and removed before loading', [LISTEN, REMOVE, LOAD], [false, false]],
    ['added before loading, removed after it', [LISTEN, LOAD, REMOVE], [false, false]],
    ['added and removed after loading', [LOAD, LISTEN, REMOVE], [false, false]],
    ['removed and added again', [LISTEN, LOAD, REMOVE, LISTEN], [true, true]],
    ['removed with all others', [LISTEN, LOAD, REMOVE_ALL], [false, false]],
    ['removed before it was there', [LOAD, REMOVE_ALL], [false, false]],
    ['among listeners for other signals', [OTHER, LOAD, LISTEN, OTHER], [true, true]],
  ]
  for (const [what, steps, called] of cases) {
    it(`${what}: is called as often as it should be, and each signal makes a snapshot`, async () => {
      const child = start(script(steps))
      await child.says('ready')
      for (const [index, expected] of called.entries()) {
        child.kill('SIGUSR2')
        if (expected) assert.deepEqual(await child.next(), ['SIGUSR2', 12])
        await child.snapshots(index + 1)
        await child.complains(/\.heapsnapshot/, index + 1)
      }
      child.kill('SIGTERM')
      await child.endsWell()
      assert.equal(snapshotsIn(child.directory).length, called.length)
      assert.equal(child.said.length, 1 + called.filter(Boolean).length)
    })
  }

  it('is called while a snapshot is written', async () => {
    const child = start(script([LISTEN, LOAD]), { fault: 'slow-write' })
    await child.says('ready')
    child.kill('SIGUSR2')
    await child.next()
    await child.complains(/heap snapshot/)
    child.kill('SIGUSR2')
    await child.next()
    child.kill('SIGKILL')
  })

  it('is the only one that the program sees', async () => {
    const child = start(`
      ${LOAD}
      say(process.listenerCount('SIGUSR2'))
      process.on('SIGUSR2', function () {})
      say(process.listenerCount('SIGUSR2'))
      process.exit(0)`)
    await child.endsWell()
    assert.deepEqual(child.said, [0, 1])
  })
})

describe('nosignal', PARALLEL, () => {
  for (const steps of [[LOAD], [LISTEN, LOAD, REMOVE], [LOAD, LISTEN, REMOVE]]) {
    it(`leaves SIGUSR2 to the system: it ends the process (${steps.length} steps)`, async () => {
      const child = start(script(steps), { options: 'nosignal' })
      await child.says('ready')
      child.kill('SIGUSR2')
      assert.deepEqual(await child.ended(), { code: null, signal: 'SIGUSR2' })
      assert.deepEqual(filesIn(child.directory), [])
    })
  }

  it('leaves SIGUSR2 to the listeners of the program', async () => {
    const child = start(script([LISTEN, LOAD]), { options: 'nosignal' })
    await child.says('ready')
    child.kill('SIGUSR2')
    assert.deepEqual(await child.next(), ['SIGUSR2', 12])
    await aWhile()
    child.kill('SIGTERM')
    await child.endsWell()
    assert.deepEqual(filesIn(child.directory), [])
    assert.equal(child.stderr, '')
  })

  it('leaves the API as it is', async () => {
    const child = start(`${LOAD}; say(heapdump.writeSnapshot('a.heapsnapshot'))`, {
      options: 'nosignal',
    })
    await child.endsWell()
    assert.deepEqual(child.said, [true])
    assert.deepEqual(filesIn(child.directory), ['a.heapsnapshot'])
  })
})

describe('a process that ignores or blocks nothing else', PARALLEL, () => {
  it('still dies of other signals', async () => {
    for (const signal of ['SIGTERM', 'SIGHUP', 'SIGINT']) {
      const child = start(`${LOAD}; setInterval(function () {}, 1000); say('ready')`)
      await child.says('ready')
      child.kill(signal)
      assert.deepEqual(await child.ended(), { code: null, signal })
    }
  })
})
