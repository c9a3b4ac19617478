// Signals that come while a thread or the process ends: nothing crashes, nothing hangs.

import assert from 'node:assert/strict'
import path from 'node:path'
import { describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  filesIn,
  PARALLEL,
  partialFilesIn,
  readSnapshot,
  run,
  snapshotsIn,
  start,
  testedNodeMajor,
} from './helpers.mjs'

/** Sends SIGUSR2 all the time, until the process ends. */
async function storm(child, everyMs) {
  while (!child.end) {
    child.kill('SIGUSR2')
    await sleep(everyMs)
  }
}

/**
 * Sends a gust of signals now, and another one whenever it says something. Signals without a pause would have a
 * busy machine capture for ever: whatever is to happen between them hardly would.
 */
async function gusts(child) {
  let said = -1
  while (!child.end) {
    if (child.said.length > said) {
      said = child.said.length
      for (let signals = 0; signals < 20 && !child.end; signals++) {
        child.kill('SIGUSR2')
        await sleep(5)
      }
    }
    await sleep(5)
  }
}

/** The snapshots that there are must be whole; there must be nothing else. */
function checkFiles(directory) {
  assert.deepEqual(partialFilesIn(directory), [])
  const snapshots = snapshotsIn(directory)
  assert.deepEqual(filesIn(directory), snapshots)
  // A few will do: reading takes longer than writing.
  for (const name of snapshots.slice(-3)) readSnapshot(path.join(directory, name))
}

describe('a storm of signals', PARALLEL, () => {
  const nodeEndsDeaf = testedNodeMajor() < 18 && 'Node 16 gives all signals their default action before it ends'
  const exits = [
    ['exits at once', `process.exit(0)`],
    ['exits a little later', `setTimeout(function () { process.exit(0) }, 30)`],
    ['exits later', `setTimeout(function () { process.exit(0) }, 700)`],
    ['has nothing more to do', ``, nodeEndsDeaf],
    [
      'is busy in its exit listener',
      `process.on('exit', function () {
         const end = Date.now() + 300
         while (Date.now() < end) {}
       })
       process.exit(0)`,
    ],
    [
      'exits in a listener of the signal',
      `process.once('SIGUSR2', function () { process.exit(0) }); setInterval(function () {}, 1000)`,
    ],
  ]
  for (const [what, exit, skip = false] of exits) {
    it(`does not change how a process ends that ${what}`, { skip }, async () => {
      for (const round of [1, 2]) {
        const child = start(`
          require(ADDON)
          setTimeout(function () { ${exit} }, 50)
          say('ready')`)
        await child.says('ready')
        await sleep(round * 10)
        const signals = storm(child, 1)
        assert.deepEqual(await child.ended(), { code: 0, signal: null })
        await signals
        checkFiles(child.directory)
      }
    })
  }

  const workerEnds = [
    ['exit', `process.exit(0)`],
    ['have nothing more to do', ``],
    ['fail', `throw new Error('mine')`],
    ['are terminated', `threads.parentPort.postMessage('loaded'); setInterval(function () {}, 1000)`],
    ['are terminated while they spin', `threads.parentPort.postMessage('loaded'); for (;;) {}`],
  ]
  for (const [what, end] of workerEnds) {
    for (const loadedInMain of [true, false]) {
      const where = loadedInMain ? '' : ', loaded by them alone'
      it(`harms nobody while workers ${what}${where}`, async () => {
        const child = start(
          `
          const threads = require('worker_threads')
          if (threads.isMainThread) {
            // The first to load it is never the last to leave.
            ${loadedInMain ? 'require(ADDON)' : `process.on('SIGUSR2', function () {})`}
            let started = 0
            let ended = 0
            const startWorker = function () {
              if (started === 4) return
              started++
              const worker = new threads.Worker(__filename)
              worker.on('online', function () { say('a worker runs') })
              worker.on('message', function () { worker.terminate() })
              worker.on('error', function (err) { if (err.message !== 'mine') throw err })
              worker.on('exit', function () {
                say('a worker ended')
                if (++ended === 4) process.exit(0)
                startWorker()
              })
            }
            startWorker()
            startWorker()
            say('ready')
          } else {
            require(ADDON)
            ${end}
          }`,
          { options: 'threads=all' },
        )
        await child.says('ready')
        const signals = gusts(child)
        assert.deepEqual(await child.ended(), { code: 0, signal: null })
        await signals
        checkFiles(child.directory)
      })
    }
  }
})

describe('a worker that ends in the middle of writeSnapshotAsync', PARALLEL, () => {
  const ends = [
    ['is terminated', `threads.parentPort.postMessage('now')`],
    ['exits', `process.exit(0)`],
  ]
  for (const [what, end] of ends) {
    for (const phase of ['capture', 'write']) {
      it(`${what} at phase ${phase}: a whole file or none`, async () => {
        const child = await run(
          `
          const threads = require('worker_threads')
          const heapdump = require(ADDON)
          if (threads.isMainThread) {
            const worker = new threads.Worker(__filename)
            worker.on('message', function () { worker.terminate() })
            worker.on('exit', function () {
              say('ended')
              say(heapdump.writeSnapshot('main.heapsnapshot'))
            })
          } else {
            heapdump.writeSnapshotAsync({
              filename: 'worker.heapsnapshot',
              onProgress: function (progress) { if (progress.phase === '${phase}') { ${end} } }
            })
          }`,
          { fault: 'slow-write,no-tmpfile' },
        )
        assert.deepEqual(child.said, ['ended', true])
        checkFiles(child.directory)
      })
    }
  }
})

describe('exiting inside', PARALLEL, () => {
  const scripts = [
    ['a callback', `heapdump.writeSnapshot('a.heapsnapshot', function () { process.exit(3) })`],
    [
      'an event listener',
      `heapdump.on('snapshot', function () { process.exit(3) })
       heapdump.writeSnapshot('a.heapsnapshot')
       setInterval(function () {}, 1000)`,
    ],
    ['a resolved promise', `heapdump.writeSnapshotAsync('a.heapsnapshot').then(function () { process.exit(3) })`],
  ]
  for (const [what, script] of scripts) {
    it(`${what} ends the process with its exit code`, async () => {
      const child = start(`const heapdump = require(ADDON); ${script}`)
      assert.deepEqual(await child.ended(), { code: 3, signal: null })
      assert.deepEqual(filesIn(child.directory), ['a.heapsnapshot'])
      readSnapshot(path.join(child.directory, 'a.heapsnapshot'))
    })
  }
})
