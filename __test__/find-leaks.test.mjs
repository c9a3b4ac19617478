// findLeaks names what grows, who holds it and the line, in programs that are captured for real: the
// examples, which are the cases people meet.

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { answer, NO_LIVE, PARALLEL, ROOT, run, temporaryDirectory } from './helpers.mjs'

/** Serves and asks in one process: `work(n)` sends n requests to an example, one after the other. */
const client = (example) => `
  const heapdump = require(ADDON)
  const http = require('http')
  process.env.PORT = '0'
  const log = console.log
  const listening = new Promise(function (resolve) {
    console.log = function (line) {
      const found = /127\\.0\\.0\\.1:(\\d+)/.exec(line)
      if (found) resolve(Number(found[1]))
    }
  })
  process.removeAllListeners('warning')
  require(${JSON.stringify(`${ROOT}/examples/`)} + ${JSON.stringify(example)})
  let next = 0
  function ask(port) {
    return new Promise(function (resolve, reject) {
      const options = { host: '127.0.0.1', port, path: '/?session=' + next++, agent: false }
      http.get(options, function (response) { response.resume().on('end', resolve) }).on('error', reject)
    })
  }
  async function work(n) {
    const port = await listening
    for (let i = 0; i < n; i++) await ask(port)
    await new Promise(function (resolve) { setTimeout(resolve, 50) })
  }`

/** Takes three snapshots with work before each, and says what findLeaks finds. */
const HUNT = `
  async function hunt(loads, options) {
    const files = []
    for (const load of loads) {
      await work(load)
      const file = files.length + '.heapsnapshot'
      if (!heapdump.writeSnapshot(file)) throw new Error('no snapshot')
      files.push(file)
    }
    return heapdump.findLeaks(files, options)
  }
  hunt([20, 60, 180]).then(say).then(function () { process.exit(0) })`

const CASES = [
  { example: 'closure-listener.js', owner: 'bus._events.price', cause: 'event-listeners' },
  { example: 'cache.js', owner: 'pages', cause: 'map-cache' },
  { example: 'global.js', owner: /^globalThis\.(visits|inner)$/, cause: 'global' },
  { example: 'keep-alive-agent.js', owner: /_events\.error$/, cause: 'socket-listeners' },
]

describe('findLeaks', PARALLEL, () => {
  for (const { example, owner, cause } of CASES) {
    it(`finds the leak of ${example}`, async () => {
      const report = await answer(client(example) + HUNT)
      assert.equal(report.version, 1)
      assert.equal(report.ids, 'comparable')
      const [suspect] = report.suspects
      assert.ok(suspect, 'a suspect')
      assert.match(suspect.owner, owner instanceof RegExp ? owner : new RegExp(`^${RegExp.escape?.(owner) ?? owner}$`))
      assert.equal(suspect.cause, cause)
      assert.equal(suspect.counts.length, 3)
      assert.ok(suspect.counts[2] - suspect.counts[1] >= 150, `${suspect.counts}`)
      const files = [suspect.source, suspect.holder].map((line) => line?.file)
      assert.ok(
        files.some((file) => file?.endsWith(example)),
        `${files}`,
      )
      const frame = suspect.frames[0]
      assert.ok(frame.lines.length >= 3 && frame.first_line <= frame.line, 'a code frame')
    })
  }

  it('finds nothing where nothing leaks', async () => {
    const report = await answer(`
      const heapdump = require(ADDON)
      const http = require('http')
      const cache = new Map()
      const server = http.createServer(function (request, response) {
        cache.set(request.url, { url: request.url, body: 'x'.repeat(200) })
        if (cache.size > 15) cache.delete(cache.keys().next().value)
        response.end(cache.get(request.url).body)
      })
      const agent = new http.Agent({ keepAlive: true, maxSockets: 2 })
      const listening = new Promise(function (resolve) { server.listen(0, '127.0.0.1', resolve) })
      let next = 0
      function ask() {
        return new Promise(function (resolve, reject) {
          const options = { host: '127.0.0.1', port: server.address().port, path: '/' + next++, agent }
          http.get(options, function (response) { response.resume().on('end', resolve) }).on('error', reject)
        })
      }
      async function work(n) {
        await listening
        for (let i = 0; i < n; i++) await ask()
      }
      ${HUNT}`)
    assert.deepEqual(report.suspects, [])
  })

  // Objects without ids that compare are told again by their places.
  const PLACES = [
    {
      title: 'of runs of one program',
      script: `
        const file = (n) => path.join(DIRECTORY, n + '.heapsnapshot')
        work(N); heapdump.writeSnapshot(file(N)); say(file(N))`,
      runs: [50, 150, 450],
      ids: 'different-process',
    },
    {
      title: 'of a process that never numbered its objects',
      skip: NO_LIVE,
      script: `capture({ live: 'require', comparable: true })`,
      ids: 'unstable',
    },
    {
      title: 'of a process that numbered its objects once',
      skip: NO_LIVE,
      script: `capture({ live: 'require', comparable: 'once' })`,
      ids: 'partly',
    },
  ]
  for (const { title, skip, script, runs = [0], ids } of PLACES) {
    it(`names the leak in snapshots ${title}`, { skip }, async () => {
      const directory = temporaryDirectory()
      const program = (n) => `
        const heapdump = require(ADDON), path = require('path')
        const N = ${n}, DIRECTORY = ${JSON.stringify(directory)}
        class Visit { constructor(url) { this.url = url } }
        const visits = [], bounded = []
        let next = 0
        function work(n) {
          for (let i = 0; i < n; i++) {
            visits.push(new Visit('/' + next++))
            bounded[i % 40] = { i }
          }
        }
        exports.work = work
        async function capture(options) {
          for (const n of [50, 100, 300]) {
            work(n)
            const filename = path.join(DIRECTORY, n + '.heapsnapshot')
            await heapdump.writeSnapshotAsync({ filename, ...options })
            say(filename)
          }
          process.exit(0)
        }
        ${script}`
      const files = []
      for (const n of runs) files.push(...(await run(program(n))).said)
      const report = await answer(`
        require(ADDON).findLeaks(${JSON.stringify(files)}).then(say)`)
      assert.equal(report.ids, ids)
      assert.deepEqual(
        report.suspects.map(({ owner, counts }) => [owner, counts]),
        [['visits', [50, 150, 450]]],
      )
      assert.equal(report.notes.length, 1, 'what cannot be seen')
    })
  }

  it('chooses among suspects, and says what a third snapshot would settle', async () => {
    const child = await run(`
      const heapdump = require(ADDON)
      const words = new Set(), pages = new Map()
      function work(n) {
        for (let i = 0; i < n; i++) {
          words.add('word ' + words.size)
          pages.set('page ' + pages.size, { words, text: 'x'.repeat(100) + i })
        }
      }
      module.kept = [words, pages]
      work(50); heapdump.writeSnapshot('a.heapsnapshot')
      work(500); heapdump.writeSnapshot('b.heapsnapshot')
      const files = ['a.heapsnapshot', 'b.heapsnapshot']
      Promise.all([heapdump.findLeaks(files), heapdump.findLeaks(files, { top: 1 }),
        heapdump.findLeaks(files, { filter: 'SET-' })]).then(function (reports) {
        say(reports.map(function (report) { return report.suspects.map(function (suspect) { return suspect.cause }) }))
        say(/third/.test(reports[0].notes.join()))
      })`)
    const [[all, first, sets], hasNote] = child.said
    assert.deepEqual([...all].sort(), ['map-cache', 'set-cache'])
    assert.deepEqual(first, all.slice(0, 1))
    assert.deepEqual(sets, ['set-cache'])
    assert.equal(hasNote, true)
  })

  it('rejects with a code', async () => {
    const cases = [
      [`heapdump.findLeaks()`, 'ERR_HEAPDUMP_ARGUMENT'],
      [`heapdump.findLeaks(['one.heapsnapshot'])`, 'ERR_HEAPDUMP_ARGUMENT'],
      [`heapdump.findLeaks(['a', 5])`, 'ERR_HEAPDUMP_ARGUMENT'],
      [`heapdump.findLeaks(['a', 'b'], { top: -1 })`, 'ERR_HEAPDUMP_ARGUMENT'],
      [`heapdump.findLeaks(['missing', 'missing'])`, 'ERR_HEAPDUMP_IO'],
    ]
    const child = await run(`
      const heapdump = require(ADDON)
      function failed(err) { say(err.code) }
      ;(async function () { ${cases.map(([call]) => `await ${call}.catch(failed)`).join('\n')} })()`)
    assert.deepEqual(
      child.said,
      cases.map(([, code]) => code),
    )
  })
})
