// heapdump's contract: writeSnapshot([filename], [callback]).

import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import { describe, it } from 'node:test'
import {
  answer,
  DEFAULT_NAME,
  filesIn,
  PARALLEL,
  readSnapshot,
  run,
  snapshotsIn,
  start,
  temporaryDirectory,
} from './helpers.mjs'

/** Calls writeSnapshot with these arguments (source text) and says what came of it. */
const call = (args) => `
  const heapdump = require(ADDON)
  const calls = []
  function callback() { calls.push(Array.from(arguments)) }
  const returned = heapdump.writeSnapshot(${args})
  const callsAtReturn = calls.length
  setImmediate(function () { say({ returned, callsAtReturn, calls: calls }) })`

describe('writeSnapshot', PARALLEL, () => {
  it('writes the file of that name and returns true', async () => {
    const child = await run(call(`'mine.heapsnapshot'`))
    assert.deepEqual(child.said, [{ returned: true, callsAtReturn: 0, calls: [] }])
    assert.deepEqual(filesIn(child.directory), ['mine.heapsnapshot'])
    readSnapshot(path.join(child.directory, 'mine.heapsnapshot'))
    assert.equal(child.stderr, '')
  })

  it('calls the callback once, before it returns, with the name as it was given', async () => {
    const absolute = path.join(temporaryDirectory(), 'absolute.heapsnapshot')
    const names = ['relative.heapsnapshot', './dotted.heapsnapshot', absolute]
    for (const name of names) {
      const child = await run(call(`${JSON.stringify(name)}, callback`))
      assert.deepEqual(child.said, [{ returned: true, callsAtReturn: 1, calls: [[null, name]] }])
      readSnapshot(path.resolve(child.directory, name))
    }
  })

  it('gives the callback the default name, which is relative to the working directory', async () => {
    const child = await run(call('callback'))
    const [{ returned, callsAtReturn, calls }] = child.said
    assert.equal(returned, true)
    assert.equal(callsAtReturn, 1)
    assert.equal(calls[0][0], null)
    assert.deepEqual(filesIn(child.directory), [calls[0][1]])
    assert.match(calls[0][1], DEFAULT_NAME)
  })

  const withoutName = [
    ['nothing', ''],
    ['undefined', 'undefined'],
    ['null', 'null'],
    ['a number', '123'],
    ['an empty object', '{}'],
    ['a boolean', 'true'],
    ['undefined and a callback', 'undefined, callback'],
    ['null and a callback', 'null, callback'],
  ]
  for (const [what, args] of withoutName) {
    it(`uses the default name when given ${what}`, async () => {
      const before = Math.floor(Date.now() / 1000)
      const child = await run(call(args))
      const after = Math.floor(Date.now() / 1000)
      assert.equal(child.said[0].returned, true)
      const [name, ...others] = filesIn(child.directory)
      assert.deepEqual(others, [])
      assert.match(name, DEFAULT_NAME)
      const second = Number(/\d+/.exec(name)[0])
      assert.ok(before <= second && second <= after, `${second} is now, in seconds since 1970`)
    })
  }

  it('takes the default name anew for each snapshot, and the names sort by time', async () => {
    const child = await run(`
      const heapdump = require(ADDON)
      for (let i = 0; i < 3; i++) heapdump.writeSnapshot(function (err, name) { say(name) })`)
    assert.equal(new Set(child.said).size, 3)
    assert.deepEqual(child.said, snapshotsIn(child.directory))
  })

  it('lets an error that the callback throws pass to the caller', async () => {
    const child = await run(`
      const heapdump = require(ADDON)
      let calls = 0
      function callback() { calls++; throw new Error('mine') }
      try {
        heapdump.writeSnapshot('a.heapsnapshot', callback)
      } catch (error) {
        say({ message: error.message, calls: calls })
      }`)
    assert.deepEqual(child.said, [{ message: 'mine', calls: 1 }])
    readSnapshot(path.join(child.directory, 'a.heapsnapshot'))
  })

  it('reports an error to the callback, once, before it returns false', async () => {
    const child = await run(`
      const heapdump = require(ADDON)
      const calls = []
      const returned = heapdump.writeSnapshot('/does/not/exist', function (err) {
        calls.push({ message: err.message, isError: err instanceof Error, args: arguments.length })
      })
      say({ returned: returned, calls: calls })
      process.on('warning', function (warning) { say(warning.message) })`)
    assert.deepEqual(child.said, [
      {
        returned: false,
        calls: [{ message: 'heapdump write error ENOENT', isError: true, args: 1 }],
      },
    ])
    assert.equal(child.stderr, '')
  })

  it('returns false and warns, with the code, when there is no callback', async () => {
    const child = await run(`
      const heapdump = require(ADDON)
      process.on('warning', function (warning) {
        say({ code: warning.code, names: warning.message.indexOf('ENOENT') !== -1 })
      })
      say(heapdump.writeSnapshot('/does/not/exist'))`)
    assert.deepEqual(child.said, [false, { code: 'ERR_HEAPDUMP_IO', names: true }])
  })

  it('takes options in place of the name', async () => {
    const directory = temporaryDirectory()
    const options = [
      [{ filename: 'a.heapsnapshot' }, (child) => path.join(child.directory, 'a.heapsnapshot')],
      [{ directory, filename: 'b.heapsnapshot' }, () => path.join(directory, 'b.heapsnapshot')],
      [
        { gc: false, memoryGuard: false, timeoutMs: 600000, filename: 'c.heapsnapshot' },
        (child) => path.join(child.directory, 'c.heapsnapshot'),
      ],
    ]
    for (const [given, expected] of options) {
      const child = await run(call(`${JSON.stringify(given)}, callback`))
      assert.equal(child.said[0].returned, true)
      readSnapshot(expected(child))
    }
  })

  it('gives an absolute name back as it is, whatever the directory', async () => {
    const file = path.join(temporaryDirectory(), 'a.heapsnapshot')
    const options = JSON.stringify({ directory: temporaryDirectory(), filename: file })
    const child = await run(call(`${options}, callback`))
    assert.deepEqual(child.said[0].calls, [[null, file]])
    readSnapshot(file)
  })

  it('uses the default name in the directory that the options name', async () => {
    const directory = temporaryDirectory()
    const child = await run(call(`{ directory: ${JSON.stringify(directory)} }, callback`))
    const [name] = filesIn(directory)
    assert.match(name, DEFAULT_NAME)
    assert.deepEqual(filesIn(child.directory), [])
    const told = child.said[0].calls[0][1]
    assert.equal(path.resolve(child.directory, told), path.join(directory, name))
  })

  it('works while a server listens, which can then be closed', async () => {
    const child = await run(`
      const heapdump = require(ADDON)
      const server = require('http').createServer(function (req, res) { res.end() })
      server.listen(0, function () {
        heapdump.writeSnapshot('a.heapsnapshot', function (err, name) {
          say([err, name])
          server.close()
        })
      })`)
    assert.deepEqual(child.said, [[null, 'a.heapsnapshot']])
    readSnapshot(path.join(child.directory, 'a.heapsnapshot'))
  })

  it('works from inside its own callback, in a microtask and on the way out', async () => {
    const child = await run(`
      const heapdump = require(ADDON)
      heapdump.writeSnapshot('1.heapsnapshot', function () {
        heapdump.writeSnapshot('2.heapsnapshot')
      })
      Promise.resolve().then(function () { heapdump.writeSnapshot('3.heapsnapshot') })
      process.on('exit', function () { heapdump.writeSnapshot('4.heapsnapshot') })`)
    const names = ['1', '2', '3', '4'].map((name) => `${name}.heapsnapshot`)
    assert.deepEqual(filesIn(child.directory), names)
    for (const name of names) readSnapshot(path.join(child.directory, name))
  })

  it('lets the process end when it has nothing else to do', async () => {
    const child = start(`require(ADDON)`)
    assert.deepEqual(await child.ended(), { code: 0, signal: null })
  })
})

describe('the snapshot', PARALLEL, () => {
  it('holds what the process holds: these objects, these strings', async () => {
    const child = await run(`
      const heapdump = require(ADDON)
      class MarkedObject { constructor(name) { this.name = name } }
      global.kept = []
      for (let i = 0; i < 321; i++) global.kept.push(new MarkedObject('object ' + i))
      global.texts = ['quote " backslash \\\\\\\\ tab \\t bell \\x07', 'κόσμε', 'ÿ']
      // V8 writes these as something else, which must not spoil the file.
      global.strange = ['crab \\ud83e\\udd80', 'half \\ud83e', 'nul \\0 nul']
      heapdump.writeSnapshot('a.heapsnapshot')`)
    const snapshot = readSnapshot(path.join(child.directory, 'a.heapsnapshot'))
    assert.equal(snapshot.idsOf('MarkedObject').length, 321)
    const strings = new Set(snapshot.strings)
    for (const text of ['object 0', 'object 320', 'quote " backslash \\\\ tab \t bell \x07']) {
      assert.ok(strings.has(text), `holds ${JSON.stringify(text)}`)
    }
    for (const text of ['κόσμε', 'ÿ']) {
      assert.ok(strings.has(text), `holds ${text}`)
    }
  })

  it('says who made it, when and how', async () => {
    const before = Date.now()
    const child = await run(`
      require(ADDON).writeSnapshot('a.heapsnapshot')
      say({
        pid: process.pid,
        rss: process.memoryUsage().rss,
        started: Date.now() - process.uptime() * 1000
      })`)
    const { provenance } = readSnapshot(path.join(child.directory, 'a.heapsnapshot'))
    const [{ pid, rss, started }] = child.said
    assert.equal(provenance.pid, pid)
    assert.equal(provenance.thread_id, 0)
    assert.equal(provenance.trigger, 'api')
    assert.equal(provenance.mode, 'in-process')
    const time = Date.parse(provenance.time)
    assert.ok(before - 1000 <= time && time <= Date.now() + 1000, 'the time is now')
    const startTime = Date.parse(provenance.process_start_time)
    assert.ok(Math.abs(startTime - started) < 10_000, `started ${startTime}, not ${started}`)
    assert.ok(provenance.memory.rss_bytes < rss * 2, 'memory is that of the process')
  })

  it('keeps the ids of objects that live on, so that snapshots can be compared', async () => {
    const child = await run(`
      const heapdump = require(ADDON)
      class Early {}
      class Late {}
      global.early = [new Early(), new Early()]
      heapdump.writeSnapshot('1.heapsnapshot')
      global.late = new Late()
      heapdump.writeSnapshot('2.heapsnapshot')`)
    const [first, second] = ['1', '2'].map((name) => readSnapshot(path.join(child.directory, `${name}.heapsnapshot`)))
    assert.deepEqual(second.idsOf('Early').sort(), first.idsOf('Early').sort())
    assert.equal(first.idsOf('Early').length, 2)
    assert.deepEqual(first.idsOf('Late'), [])
    const [late] = second.idsOf('Late')
    assert.ok(late > Math.max(...first.idsOf('Early')))
  })

  it('says from when on ids cannot be compared: after a snapshot that gave them up', async () => {
    const child = await run(`
      const heapdump = require(ADDON)
      class Marked {}
      global.kept = [new Marked(), new Marked()]
      heapdump.writeSnapshot('1.heapsnapshot')
      heapdump.writeSnapshot({ filename: '2.heapsnapshot', comparable: false })
      heapdump.writeSnapshot('3.heapsnapshot')
      heapdump.writeSnapshot('4.heapsnapshot')`)
    const [first, last, anew, next] = ['1', '2', '3', '4'].map((name) =>
      readSnapshot(path.join(child.directory, `${name}.heapsnapshot`)),
    )
    const generation = (snapshot) => snapshot.provenance.ids_generation
    assert.deepEqual(last.idsOf('Marked'), first.idsOf('Marked'))
    assert.equal(generation(last), generation(first))
    assert.notEqual(generation(anew), generation(first))
    assert.equal(generation(next), generation(anew))
    assert.deepEqual(next.idsOf('Marked'), anew.idsOf('Marked'))
  })

  for (const umask of [0o000, 0o077, 0o777]) {
    it(`is readable by its owner alone, with umask ${umask.toString(8)}`, async () => {
      const child = await run(`
        process.umask(${umask})
        require(ADDON).writeSnapshot('a.heapsnapshot')`)
      const { mode } = fs.statSync(path.join(child.directory, 'a.heapsnapshot'))
      assert.equal((mode & 0o7777).toString(8), '600')
    })
  }

  it('leaves signals, descriptors and threads as they were', async () => {
    const said = await answer(`
      const fs = require('fs')
      const heapdump = require(ADDON)
      function state() {
        const status = fs.readFileSync('/proc/self/status', 'utf8')
        return {
          blocked: /SigBlk:\\s*(\\w+)/.exec(status)[1],
          ignored: /SigIgn:\\s*(\\w+)/.exec(status)[1],
          caught: /SigCgt:\\s*(\\w+)/.exec(status)[1],
          descriptors: fs.readdirSync('/proc/self/fd').length,
          threads: fs.readdirSync('/proc/self/task').length
        }
      }
      heapdump.writeSnapshot('0.heapsnapshot')
      // A thread may be on its way out when the call returns.
      setTimeout(function () {
        const before = state()
        for (let i = 0; i < 3; i++) heapdump.writeSnapshot('0.heapsnapshot')
        heapdump.writeSnapshot('/does/not/exist', function () {})
        heapdump.writeSnapshot('.', function () {})
        let polls = 0
        ;(function poll() {
          const after = state()
          if (after.threads > before.threads && ++polls < 3000) return setTimeout(poll, 20)
          say({ before: before, after: after })
        })()
      }, 50)`)
    const { before, after } = said
    assert.ok(after.threads <= before.threads, `${before.threads} threads, then ${after.threads}`)
    assert.deepEqual({ ...after, threads: 0 }, { ...before, threads: 0 })
  })

  it('leaves nothing for the children of the process to inherit', async () => {
    const said = await answer(`
      const spawnSync = require('child_process').spawnSync
      function inherited() {
        return spawnSync('sh', ['-c', 'grep ^Sig[BI] /proc/self/status; ls /proc/self/fd'],
          { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).stdout
      }
      const before = inherited()
      require(ADDON).writeSnapshot('a.heapsnapshot')
      say({ before: before, after: inherited() })`)
    assert.equal(said.after, said.before)
  })
})
