// One snapshot before a thread dies of "JavaScript heap out of memory", and then it dies as it would have.

import assert from 'node:assert/strict'
import path from 'node:path'
import { describe, it } from 'node:test'
import { filesIn, PARALLEL, readSnapshot, snapshotsIn, start } from './helpers.mjs'

/** Few and large objects, so that the snapshot is quick; and 1000 visits to look for. */
const FILL = `
  class Visit { constructor(i) { this.url = '/' + i } }
  const kept = []
  for (let i = 0; i < 1000; i++) kept.push(new Visit(i))
  function fill(count) { for (let i = 0; i < count; i++) kept.push(new Array(1000).fill(i + 0.5)) }
  function fillUp() { fill(100); setImmediate(fillUp) }`

const LIMIT = ['--max-old-space-size=40']
const OUT_OF_MEMORY = /JavaScript heap out of memory/

/** Waits for the death that V8 has in store for who runs out of memory. */
async function diesOfMemory(child) {
  const { code, signal } = await child.ended()
  assert.ok(signal === 'SIGABRT' || code === 134, `ended with ${code}, ${signal}: ${child.stderr}`)
  assert.match(child.stderr, OUT_OF_MEMORY)
}

/** Checks the one snapshot near the limit. */
function checkFile(directory, threadId = 0) {
  const ours = snapshotsIn(directory).filter((name) => name.startsWith('heapdump-'))
  assert.equal(ours.length, 1, `${filesIn(directory)}`)
  const snapshot = readSnapshot(path.join(directory, ours[0]))
  assert.equal(snapshot.provenance.trigger, 'near-limit')
  assert.equal(snapshot.provenance.mode, 'in-process')
  assert.equal(snapshot.provenance.thread_id, threadId)
  assert.equal(snapshot.idsOf('Visit').length, 1000)
}

describe('near the heap limit', PARALLEL, () => {
  it('the main thread leaves a snapshot, says so, and dies as it would have', async () => {
    const child = start(`const heapdump = require(ADDON); ${FILL}; heapdump.watch({ heap: false }); fillUp()`, {
      nodeArgs: LIMIT,
    })
    await diesOfMemory(child)
    checkFile(child.directory)
    assert.equal(child.complaints(/^rs-heapdump: taking a heap snapshot of .* its heap's limit/).length, 1)
    assert.equal(child.complaints(/^rs-heapdump: heap snapshot written to /).length, 1)
  })

  it('is a word of the environment, and needs no event loop', async () => {
    const child = start(`require(ADDON); ${FILL}; for (;;) fill(100)`, { nodeArgs: LIMIT, options: 'nearlimit,quiet' })
    await diesOfMemory(child)
    checkFile(child.directory)
    assert.deepEqual(child.complaints(/^rs-heapdump/), [])
  })

  it('is part of watching growth, live too, and there is one even in the middle of it', async () => {
    const child = start(
      `const heapdump = require(ADDON); ${FILL}; heapdump.watch({ live: 'prefer', settleMs: 3600e3 }); fillUp()`,
      { nodeArgs: LIMIT },
    )
    await diesOfMemory(child)
    checkFile(child.directory)
  })

  it('a worker leaves a snapshot and ends with ERR_WORKER_OUT_OF_MEMORY, and the process goes on', async () => {
    const child = start(
      `
      const { Worker, isMainThread } = require('worker_threads')
      const heapdump = require(ADDON)
      ${FILL}
      if (isMainThread) {
        const worker = new Worker(__filename, { resourceLimits: { maxOldGenerationSizeMb: 40 } })
        let told
        heapdump.on('snapshot', function (info) { told = [info.trigger, info.threadId] })
        worker.on('error', function (err) { say(err.code) })
        worker.on('exit', function () { setTimeout(function () { say(told); process.exit(0) }, 1) })
      } else {
        const watcher = heapdump.watch({ heap: false })
        fillUp()
      }`,
    )
    await child.endsWell()
    assert.deepEqual(child.said, ['ERR_WORKER_OUT_OF_MEMORY', ['near-limit', 1]])
    checkFile(child.directory, 1)
  })

  it("stands beside Node's own flag: a file each", async () => {
    const child = start(`const heapdump = require(ADDON); ${FILL}; heapdump.watch({ heap: false }); fillUp()`, {
      nodeArgs: [...LIMIT, '--heapsnapshot-near-heap-limit=1'],
    })
    await diesOfMemory(child)
    checkFile(child.directory)
    assert.equal(filesIn(child.directory).filter((name) => name.startsWith('Heap.')).length, 1)
  })

  it("stands beside an application's own callback that is newer: a file each", async () => {
    const child = start(
      `
      const heapdump = require(ADDON); ${FILL}
      heapdump.watch({ heap: false })
      require('v8').setHeapSnapshotNearHeapLimit(1)
      fillUp()`,
      { nodeArgs: LIMIT },
    )
    await diesOfMemory(child)
    checkFile(child.directory)
    assert.equal(filesIn(child.directory).filter((name) => name.startsWith('Heap.')).length, 1)
  })

  it('says so where memory does not suffice, and lets the thread die', async () => {
    const child = start(`const heapdump = require(ADDON); ${FILL}; heapdump.watch({ heap: false }); fillUp()`, {
      nodeArgs: LIMIT,
      fault: 'memory-low',
    })
    await diesOfMemory(child)
    assert.deepEqual(snapshotsIn(child.directory), [])
    assert.equal(child.complaints(/^rs-heapdump: no heap snapshot of .* memory/).length, 1)
  })

  it('is not there any more once the watcher is stopped, and the state says so', async () => {
    const child = start(
      `
      const heapdump = require(ADDON); ${FILL}
      const watcher = heapdump.watch({ heap: false })
      say([watcher.state, watcher.nearLimit])
      watcher.stop()
      watcher.stop()
      say([watcher.state, watcher.nearLimit])
      say(heapdump.watch({ nearLimit: false }).nearLimit)
      fillUp()`,
      { nodeArgs: LIMIT },
    )
    await diesOfMemory(child)
    assert.deepEqual(child.said, [['done', 'armed'], ['stopped', 'spent'], 'off'])
    assert.deepEqual(snapshotsIn(child.directory), [])
  })
})
