// Snapshots when memory grows: one of the settled heap, one at each step, each confirmed by a collection.

import assert from 'node:assert/strict'
import path from 'node:path'
import { describe, it } from 'node:test'
import { answer, filesIn, NO_LIVE, PARALLEL, readSnapshot, run, snapshotsIn, start } from './helpers.mjs'

/**
 * Grows by as many megabytes as each line of its stdin says. `watch` is impatient; the last figures are
 * objects for `leaks` to find.
 */
const GROWER = `
  const heapdump = require(ADDON)
  const { performance } = require('perf_hooks')
  class Visit { constructor(i) { this.url = '/' + i; this.body = new Array(1000).fill(i + 0.5) } }
  const visits = []
  function grow(megabytes) { for (let i = 0; i < megabytes * 128; i++) visits.push(new Visit(i)) }
  /** Allocates what is garbage soon, so that V8 collects, and looks. */
  function stir() { for (let i = 0; i < 2000; i++) new Array(100).fill(i) }
  const stirring = setInterval(stir, 5)
  process.stdin.on('data', function (text) { grow(Number(text)) }).on('end', function () { clearInterval(stirring) })
  for (const event of ['snapshot', 'skipped', 'error']) {
    heapdump.on(event, function (what) {
      say([event, what.trigger || what.code, what.mode || what.reason, what.threadId, watcher.state])
    })
  }
  let watcher
  function watch(options) {
    watcher = heapdump.watch(Object.assign({ settleMs: 10, minIntervalMs: 0, nearLimit: false }, options))
  }`

const HASTY = { fault: 'watch-hasty' }

/** Waits for the next snapshot that it tells of; growing takes a while, and may look like garbage meanwhile. */
function nextSnapshot(child) {
  return child.says(([event, , reason]) => event !== 'skipped' || reason !== 'garbage')
}

/** Each file must hold more than the one before: at least these megabytes. */
function checkFiles(files, grown, mode) {
  assert.equal(files.length, grown.length)
  let before = -1
  for (const [at, file] of files.entries()) {
    const snapshot = readSnapshot(file)
    assert.equal(snapshot.provenance.trigger, 'watch')
    assert.equal(snapshot.provenance.mode, mode)
    const count = snapshot.idsOf('Visit').length
    assert.ok(count > before && count >= grown[at] * 100, `${at}: ${count} visits after ${before}`)
    before = count
  }
}

describe('watch', PARALLEL, () => {
  it('takes three: of the settled heap and at two steps, and then it is done', async () => {
    const child = start(
      `${GROWER}; watch({ heap: ['20MB', '60MB'] }); say([watcher.state, watcher.baseline === undefined])`,
      HASTY,
    )
    assert.deepEqual(await child.next(), ['settling', true])
    assert.deepEqual(await nextSnapshot(child), ['snapshot', 'watch', 'in-process', 0, 'watching'])
    child.stdin.write('30')
    assert.deepEqual(await nextSnapshot(child), ['snapshot', 'watch', 'in-process', 0, 'watching'])
    child.stdin.write('40')
    assert.deepEqual(await nextSnapshot(child), ['snapshot', 'watch', 'in-process', 0, 'done'])
    child.stdin.end()
    await child.endsWell()
    const files = snapshotsIn(child.directory).map((name) => path.join(child.directory, name))
    checkFiles(files, [0, 20, 60], 'in-process')
    assert.equal(child.complaints(/^rs-heapdump: the heap of pid \d+ has settled at/).length, 1)
    assert.equal(child.complaints(/^rs-heapdump: heap memory of pid \d+ grew from .* to .*\(\+\d+ %\)/).length, 2)
    assert.equal(child.complaints(/whose memory is watched/).length, 3)

    // What the three are for.
    const { suspects } = await answer(
      `require(ADDON).findLeaks(${JSON.stringify(files)}).then(say, function (err) { say(String(err)) })`,
    )
    assert.match(suspects[0].owner, /visits/)
  })

  it('tells what it waits for and what came of it', async () => {
    const child = await run(
      `${GROWER}
      process.stdin.destroy()
      watch({ heap: ['50%', 1048576], external: ['1GB'], rss: ['3GiB'], quiet: true })
      heapdump.once('snapshot', function (info) {
        const { baseline, steps, nearLimit } = watcher
        clearInterval(stirring)
        say({ path: info.path, baseline, steps, nearLimit })
      })`,
    )
    const { path: file, baseline, steps, nearLimit } = child.said.find((said) => said.path)
    assert.equal(baseline.path, file)
    assert.equal(nearLimit, 'off')
    assert.ok(baseline.heapBytes > 1e6 && baseline.rssBytes > 1e7 && baseline.externalBytes > 1000)
    assert.deepEqual(
      steps.map(({ metric, growth, path }) => [metric, growth, path ?? null]),
      [
        ['heap', '50%', null],
        ['heap', '1048576', null],
        ['rss', '3221225472', null],
        ['external', '1073741824', null],
      ],
    )
    assert.ok(Math.abs(steps[0].thresholdBytes - baseline.heapBytes * 1.5) < 200)
    assert.equal(steps[1].thresholdBytes, baseline.heapBytes + 1048576)
    assert.equal(steps[3].thresholdBytes, baseline.externalBytes + 2 ** 30)
    assert.deepEqual(child.complaints(/^rs-heapdump/), [])
  })

  it('sees growth outside the heap', async () => {
    const child = start(
      `${GROWER}
      watch({ heap: false, external: ['40MB'], baseline: false })
      const wait = setInterval(function () {
        if (!watcher.baseline) return
        clearInterval(wait)
        global.buffers = []
        for (let i = 0; i < 60; i++) buffers.push(Buffer.alloc(1 << 20, 1))
      }, 5)`,
      HASTY,
    )
    assert.deepEqual(await nextSnapshot(child), ['snapshot', 'watch', 'in-process', 0, 'done'])
    assert.equal(snapshotsIn(child.directory).length, 1, 'no baseline was asked for')
    child.kill('SIGKILL')
  })

  it('sees growth of RSS', async () => {
    const child = start(
      `${GROWER}
      watch({ heap: false, rss: ['60MB'], baseline: false })
      const wait = setInterval(function () {
        if (!watcher.baseline) return
        clearInterval(wait)
        global.buffers = []
        for (let i = 0; i < 150; i++) buffers.push(Buffer.alloc(1 << 20, 1))
      }, 5)`,
      HASTY,
    )
    assert.deepEqual(await nextSnapshot(child), ['snapshot', 'watch', 'in-process', 0, 'done'])
    child.kill('SIGKILL')
  })

  it('works while JavaScript never returns', async () => {
    const child = start(
      `${GROWER}
      watch({ heap: ['20MB'], directory: '.' })
      for (;;) {
        stir()
        if (watcher.baseline && watcher.baseline.path && visits.length === 0) grow(30)
      }`,
      HASTY,
    )
    const files = await child.snapshots(2)
    child.kill('SIGKILL')
    checkFiles(files, [0, 20], 'in-process')
  })

  it('captures live where it may', { skip: NO_LIVE }, async () => {
    const child = start(`${GROWER}; watch({ heap: ['20MB'], live: 'prefer' })`, HASTY)
    assert.deepEqual(await nextSnapshot(child), ['snapshot', 'watch', 'live', 0, 'watching'])
    child.stdin.write('30')
    assert.deepEqual(await nextSnapshot(child), ['snapshot', 'watch', 'live', 0, 'done'])
    child.kill('SIGKILL')
    checkFiles(await child.snapshots(2), [0, 20], 'live')
  })

  it('is a word of the environment, for the main thread', async () => {
    const child = start(
      `
      const heapdump = require(ADDON)
      const { Worker, isMainThread } = require('worker_threads')
      const kept = []
      if (isMainThread) {
        new Worker(__filename)
        heapdump.on('snapshot', function (info) {
          say([info.trigger, info.threadId])
          for (let i = 0; i < 40 * 128; i++) kept.push(new Array(1000).fill(i + 0.5))
        })
      }
      setInterval(function () { for (let i = 0; i < 2000; i++) new Array(100).fill(i) }, 5)`,
      { options: 'watch=20MB,nosignal', ...HASTY },
    )
    assert.deepEqual(await child.next(), ['watch', 0])
    assert.deepEqual(await child.next(), ['watch', 0])
    child.kill('SIGKILL')
    assert.equal(snapshotsIn(child.directory).length, 2)
  })

  it('watches the worker that asks for it, and the main thread hears of it', async () => {
    const child = start(
      `
      const heapdump = require(ADDON)
      const { Worker, isMainThread, threadId } = require('worker_threads')
      if (isMainThread) {
        heapdump.on('snapshot', function (info) { say([info.trigger, info.threadId]); worker.terminate() })
        const worker = new Worker(__filename)
        worker.on('exit', function () { say('exit') })
      } else {
        heapdump.watch({ settleMs: 10 })
        setInterval(function () {}, 1000)
      }`,
    )
    await child.endsWell()
    assert.deepEqual(child.said, [['watch', 1], 'exit'])
  })

  it('tells of garbage that looked like growth, and captures nothing', async () => {
    const child = start(
      `${GROWER}
      watch({ heap: ['3MB'], baseline: false })
      const ring = []
      let at = 0
      setInterval(function () {
        if (!watcher.baseline) return
        for (let i = 0; i < 500; i++) ring[at++ % 16] = new Array(4000).fill(i + 0.5)
      }, 1)`,
      { nodeArgs: ['--max-semi-space-size=1'] },
    )
    assert.deepEqual(await child.next(), ['skipped', 'watch', 'garbage', 0, 'watching'])
    child.kill('SIGKILL')
    assert.deepEqual(snapshotsIn(child.directory), [])
  })

  it('tells of a refusal, and is quiet afterwards', async () => {
    const child = start(`${GROWER}; watch({ heap: ['1MB'] })`, { fault: 'memory-low' })
    assert.deepEqual(await child.next(), ['skipped', 'watch', 'memory', 0, 'watching'])
    assert.equal((await child.complains(/^rs-heapdump: no heap snapshot of .* memory/)).length, 1)
    child.stdin.write('10')
    child.stdin.end()
    await child.endsWell()
    assert.equal(child.said.length, 1)
    assert.deepEqual(filesIn(child.directory), [])
  })

  it('tells of a failure', async () => {
    const child = start(`${GROWER}; watch({ directory: 'none', quiet: true })`)
    assert.deepEqual((await child.next()).slice(0, 2), ['error', 'ERR_HEAPDUMP_IO'])
    child.kill('SIGKILL')
  })

  it('keeps nothing alive, and stops when it is told to', async () => {
    const child = await run(`
      const heapdump = require(ADDON)
      const first = heapdump.watch()
      const second = heapdump.watch({ settleMs: 0 })
      const states = [first.state, second.state]
      second.stop()
      say(states.concat(second.state))
      heapdump.watch({ settleMs: 3600e3 })`)
    assert.deepEqual(child.said, [['stopped', 'settling', 'stopped']])
    assert.deepEqual(filesIn(child.directory), [])
  })

  it("works without V8's own functions, on a timer", async () => {
    const child = start(`${GROWER}; watch({ heap: ['20MB'], rss: false })`, {
      fault: 'watch-hasty,no-v8-symbols',
    })
    assert.deepEqual(await nextSnapshot(child), ['snapshot', 'watch', 'portable', 0, 'watching'])
    child.stdin.write('30')
    assert.deepEqual(await nextSnapshot(child), ['snapshot', 'watch', 'portable', 0, 'done'])
    child.stdin.end()
    await child.endsWell()
    checkFiles(
      snapshotsIn(child.directory).map((name) => path.join(child.directory, name)),
      [0, 20],
      'portable',
    )
  })

  it('refuses what makes no sense', async () => {
    const wrong = [{ heap: 'much' }, { heap: ['much'] }, { rss: [-1] }, { external: ['50'] }, { settleMs: '1' }]
    const child = await run(`
      const heapdump = require(ADDON)
      function code(options) { try { heapdump.watch(options); return 'watches' } catch (err) { return err.code } }
      say(${JSON.stringify(wrong)}.map(code))`)
    const refused = 'ERR_HEAPDUMP_ARGUMENT'
    assert.deepEqual(child.said, [[refused, refused, refused, 'watches', refused]])
  })
})
