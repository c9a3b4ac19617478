// A snapshot that JavaScript opens answers as the command line does, beside the event loop.

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { PARALLEL, run, VISITS } from './helpers.mjs'

const TWO_SNAPSHOTS = `${VISITS}
  visit(10)
  heapdump.writeSnapshot('a.heapsnapshot')
  visit(100)
  heapdump.writeSnapshot('b.heapsnapshot')
  function visitsOf(report) { return report.classes.find(function (row) { return row.name === 'Visit' }) }
  function failed(err) { say({ code: err.code, isError: err instanceof Error }) }`

describe('openSnapshot', PARALLEL, () => {
  it('gives a summary', async () => {
    const child = await run(`${TWO_SNAPSHOTS}
      heapdump.openSnapshot('b.heapsnapshot').then(async function (snapshot) {
        say(snapshot.file.endsWith('b.heapsnapshot') && snapshot.nodes > 1000 && snapshot.edges > snapshot.nodes)
        const all = await snapshot.summary()
        const row = visitsOf(all)
        say([all.version, row.count, row.retained_bytes >= row.shallow_bytes])
        const some = await snapshot.summary({ top: 2, sort: 'count' })
        say([some.classes.length, some.classes[0].count >= some.classes[1].count])
        say((await snapshot.summary({ top: 0 })).classes.length === all.classes.length)
        say((await snapshot.summary({ filter: 'visit' })).classes.every(function (row) {
          return /visit/i.test(row.name + JSON.stringify(row.script))
        }))
      })`)
    assert.deepEqual(child.said, [true, [1, 110, true], [2, true], true, true])
  })

  it('compares with a later one, open or not', async () => {
    const child = await run(`${TWO_SNAPSHOTS}
      Promise.all(['a.heapsnapshot', 'b.heapsnapshot'].map(function (file) { return heapdump.openSnapshot(file) }))
        .then(async function (snapshots) {
          for (const later of [snapshots[1], 'b.heapsnapshot']) {
            const diff = await snapshots[0].diff(later)
            const row = visitsOf(diff)
            say([diff.ids, row.added, row.removed, row.delta, row.counts])
          }
          const { classes } = await snapshots[0].diff('b.heapsnapshot', { sort: 'addedBytes' })
          say(classes.every(function (row, at) { return at === 0 || classes[at - 1].added_bytes >= row.added_bytes }))
        })`)
    const expected = ['comparable', 100, 0, 100, [10, 110]]
    assert.deepEqual(child.said, [expected, expected, true])
  })

  it('tells who holds an object', async () => {
    const child = await run(`${TWO_SNAPSHOTS}
      heapdump.openSnapshot('b.heapsnapshot').then(async function (snapshot) {
        const text = JSON.stringify(await snapshot.retainers({ className: 'Visit', top: 1 }))
        say(/visits/.test(text) && /Map/.test(text))
        const count = async function (options) {
          return (await snapshot.retainers({ className: 'Visit', ...options })).paths.length
        }
        say(await Promise.all([{ top: 1 }, { top: 2 }, {}, { top: 0 }].map(count)))
      })`)
    const [named, counts] = child.said
    assert.equal(named, true)
    assert.deepEqual(counts.slice(0, 3), [1, 2, 3])
    assert.ok(counts[3] > 3, `${counts[3]} of all`)
  })

  it('does not stop the event loop', async () => {
    const child = await run(`${TWO_SNAPSHOTS}
      let turns = 0
      const timer = setInterval(function () { turns++ }, 1)
      heapdump.openSnapshot('b.heapsnapshot').then(function () { clearInterval(timer); say(turns > 0) })`)
    assert.deepEqual(child.said, [true])
  })

  it('works in a worker', async () => {
    const child = await run(`${TWO_SNAPSHOTS}
      const { Worker } = require('worker_threads')
      const worker = new Worker(
        'require(' + JSON.stringify(ADDON) + ').openSnapshot("a.heapsnapshot").then(async function (snapshot) {' +
          'require("worker_threads").parentPort.postMessage((await snapshot.summary({ filter: "Visit" })).classes[0].count)' +
        '})', { eval: true })
      worker.on('message', say)`)
    assert.deepEqual(child.said, [10])
  })

  it('goes with the worker that opened it', async () => {
    const child = await run(`
      const { Worker } = require('worker_threads')
      const heapdump = require(ADDON)
      const many = Array.from({ length: 1000000 }, function (_, i) { return { i: i } })
      heapdump.writeSnapshot('a.heapsnapshot')
      many.length = 0
      // Opens it, says how much memory that takes, and ends without a close.
      function open() {
        return new Promise(function (resolve) {
          const worker = new Worker(
            'const before = process.memoryUsage().rss;' +
            'require(' + JSON.stringify(ADDON) + ').openSnapshot("a.heapsnapshot").then(function (snapshot) {' +
              'globalThis.kept = snapshot;' +
              'require("worker_threads").parentPort.postMessage(process.memoryUsage().rss - before)' +
            '}); setInterval(function () {}, 1000)', { eval: true })
          let taken
          worker.on('message', function (bytes) { taken = bytes; worker.terminate() })
          worker.on('exit', function () { resolve(taken) })
        })
      }
      async function main() {
        const taken = await open()
        const before = process.memoryUsage().rss
        for (let i = 0; i < 4; i++) await open()
        say([taken, process.memoryUsage().rss - before])
      }
      main()`)
    const [taken, more] = child.said[0]
    assert.ok(taken > 20e6, `${taken} bytes were taken by one`)
    assert.ok(more < 2 * taken, `${more} bytes stay of four that took ${taken} each`)
  })

  it('is over after close', async () => {
    const child = await run(`${TWO_SNAPSHOTS}
      heapdump.openSnapshot('a.heapsnapshot').then(async function (snapshot) {
        snapshot.close()
        snapshot.close()
        await snapshot.summary().catch(failed)
      })`)
    assert.deepEqual(child.said, [{ code: 'ERR_HEAPDUMP_ARGUMENT', isError: true }])
  })

  it('rejects with a code', async () => {
    const cases = [
      [`heapdump.openSnapshot('missing.heapsnapshot')`, 'ERR_HEAPDUMP_IO'],
      [`heapdump.openSnapshot('other.json')`, 'ERR_HEAPDUMP_FORMAT'],
      [`heapdump.openSnapshot(5)`, 'ERR_HEAPDUMP_ARGUMENT'],
      [`heapdump.openSnapshot('a.heapsnapshot', { redact: 'yes' })`, 'ERR_HEAPDUMP_ARGUMENT'],
      [`heapdump.openSnapshot('a.heapsnapshot', { redact: true, salvage: true })`, 'ERR_HEAPDUMP_ARGUMENT'],
      [`heapdump.findLeaks(['a.heapsnapshot', 'b.heapsnapshot'], { redact: 1 })`, 'ERR_HEAPDUMP_ARGUMENT'],
      [
        `heapdump.findLeaks(['a.heapsnapshot', 'b.heapsnapshot'], { redact: true, salvage: true })`,
        'ERR_HEAPDUMP_ARGUMENT',
      ],
      [`snapshot.summary({ top: -1 })`, 'ERR_HEAPDUMP_ARGUMENT'],
      [`snapshot.summary({ sort: 'colour' })`, 'ERR_HEAPDUMP_ARGUMENT'],
      [`snapshot.diff()`, 'ERR_HEAPDUMP_ARGUMENT'],
      [`snapshot.diff('missing.heapsnapshot')`, 'ERR_HEAPDUMP_IO'],
      [`snapshot.retainers()`, 'ERR_HEAPDUMP_ARGUMENT'],
      [`snapshot.retainers({})`, 'ERR_HEAPDUMP_ARGUMENT'],
      [`snapshot.retainers({ id: 1, className: 'Visit' })`, 'ERR_HEAPDUMP_ARGUMENT'],
      [`snapshot.retainers({ className: 'NoSuchClass' })`, 'ERR_HEAPDUMP_ARGUMENT'],
      [`snapshot.retainers({ id: 2 ** 31 })`, 'ERR_HEAPDUMP_ARGUMENT'],
    ]
    const calls = cases.map(([call]) => `await ${call}.catch(failed)`).join('\n')
    const child = await run(`${TWO_SNAPSHOTS}
      require('fs').writeFileSync('other.json', '{"nodes": 5}')
      heapdump.openSnapshot('a.heapsnapshot').then(async function (snapshot) { ${calls} })`)
    assert.deepEqual(
      child.said,
      cases.map(([, code]) => ({ code, isError: true })),
    )
  })
})
