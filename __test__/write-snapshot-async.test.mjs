// The promise form: what it resolves with, when it starts, how it is given up.

import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import { describe, it } from 'node:test'
import { answer, DEFAULT_NAME, filesIn, makeFifo, PARALLEL, readSnapshot, run, temporaryDirectory } from './helpers.mjs'

describe('writeSnapshotAsync', PARALLEL, () => {
  it('resolves with what was written, when it is written', async () => {
    const child = await run(`
      require(ADDON).writeSnapshotAsync('a.heapsnapshot').then(function (info) {
        say({ info: info, size: require('fs').statSync('a.heapsnapshot').size })
      })`)
    const [{ info, size }] = child.said
    const file = path.join(child.directory, 'a.heapsnapshot')
    const snapshot = readSnapshot(file)
    assert.deepEqual(filesIn(child.directory), ['a.heapsnapshot'])
    assert.equal(snapshot.provenance.trigger, 'api')
    const { pauseMs, durationMs, ...rest } = info
    assert.deepEqual(rest, {
      path: file,
      bytes: size,
      nodes: snapshot.nodeCount,
      edges: snapshot.edgeCount,
      mode: 'in-process',
      trigger: 'api',
      pid: child.pid,
      threadId: 0,
    })
    assert.ok(pauseMs > 0 && durationMs >= pauseMs, `pause ${pauseMs}, duration ${durationMs} ms`)
  })

  it('tells listeners of the file also where onProgress throws in the end', async () => {
    const child = await run(`
      const heapdump = require(ADDON)
      heapdump.on('snapshot', function (info) { say(['snapshot', info.path]) })
      heapdump.writeSnapshotAsync({
        filename: 'a.heapsnapshot',
        onProgress: function (progress) { if (progress.phase === 'done') throw new Error('mine') }
      }).catch(function (error) { setImmediate(function () { say(['rejected', error.message]) }) })`)
    const file = path.join(child.directory, 'a.heapsnapshot')
    assert.deepEqual(child.said, [
      ['snapshot', file],
      ['rejected', 'mine'],
    ])
    readSnapshot(file)
  })

  it('uses the default name when it is given none', async () => {
    for (const args of ['', 'undefined', '{}']) {
      const child = await run(`require(ADDON).writeSnapshotAsync(${args}).then(function (info) { say(info.path) })`)
      const [name] = filesIn(child.directory)
      assert.match(name, DEFAULT_NAME)
      assert.deepEqual(child.said, [path.join(child.directory, name)])
    }
  })

  it('resolves relative names against the directory that the options name', async () => {
    const directory = temporaryDirectory()
    const options = JSON.stringify({ directory, filename: 'a.heapsnapshot' })
    const said = await answer(`require(ADDON).writeSnapshotAsync(${options}).then(function (info) { say(info.path) })`)
    assert.equal(said, path.join(directory, 'a.heapsnapshot'))
    readSnapshot(said)
  })

  it('keeps to the working directory of the moment of the call', async () => {
    const child = await run(`
      require('fs').mkdirSync('elsewhere')
      require(ADDON).writeSnapshotAsync('a.heapsnapshot').then(function (info) { say(info.path) })
      process.chdir('elsewhere')`)
    assert.deepEqual(child.said, [path.join(child.directory, 'a.heapsnapshot')])
  })

  it('captures in a later turn of the event loop', async () => {
    const child = await run(`
      class MadeAfterTheCall {}
      require(ADDON).writeSnapshotAsync('a.heapsnapshot')
      global.kept = new MadeAfterTheCall()`)
    const snapshot = readSnapshot(path.join(child.directory, 'a.heapsnapshot'))
    assert.equal(snapshot.idsOf('MadeAfterTheCall').length, 1)
  })

  it('lets the event loop turn while the file is written', async () => {
    const child = await run(
      `
      let turns = 0
      let writing = false
      const timer = setInterval(function () { if (writing) turns++ }, 1)
      require(ADDON).writeSnapshotAsync({
        filename: 'a.heapsnapshot',
        onProgress: function (progress) { writing = progress.phase === 'write' }
      }).then(function () {
        clearInterval(timer)
        say(turns)
      })`,
      { fault: 'slow-write' },
    )
    // Were the loop to stand still, the timer could fire once.
    assert.ok(child.said[0] > 1, `${child.said[0]} turns`)
  })

  it('tells each phase once, in order, with figures that grow', async () => {
    const child = await run(`
      const progress = []
      require(ADDON).writeSnapshotAsync({
        filename: 'a.heapsnapshot',
        onProgress: function (step) { progress.push(step) }
      }).then(function (info) { say({ progress: progress, info: info }) })`)
    const [{ progress, info }] = child.said
    const phases = progress.map(({ phase }) => phase)
    assert.deepEqual([...new Set(phases)], ['capture', 'write', 'done'])
    assert.equal(phases.filter((phase) => phase === 'capture').length, 1)
    assert.equal(phases.filter((phase) => phase === 'done').length, 1)
    progress.reduce((before, step) => {
      assert.ok(step.bytes >= before.bytes, 'bytes grow')
      return step
    })
    assert.deepEqual(progress[0], { phase: 'capture', bytes: 0, nodes: 0 })
    assert.deepEqual(progress.at(-1), { phase: 'done', bytes: info.bytes, nodes: info.nodes })
  })

  it('asked several times at once makes whole files, or says that it is busy', async () => {
    const child = await run(`
      const heapdump = require(ADDON)
      const names = ['1', '2', '3', '4'].map(function (name) { return name + '.heapsnapshot' })
      Promise.allSettled(names.map(function (name) {
        return heapdump.writeSnapshotAsync(name)
      })).then(function (results) {
        say(results.map(function (result) {
          return result.status === 'fulfilled' ? 'written' : result.reason.code
        }))
      })`)
    const [results] = child.said
    assert.equal(results[0], 'written')
    results.forEach((result, index) => {
      const file = path.join(child.directory, `${index + 1}.heapsnapshot`)
      if (result === 'written') readSnapshot(file)
      else assert.equal(result, 'ERR_HEAPDUMP_BUSY')
      assert.equal(fs.existsSync(file), result === 'written')
    })
  })

  it('and the synchronous form at the same time make whole files, or say that they are busy', async () => {
    const child = await run(
      `
      const heapdump = require(ADDON)
      const results = []
      function sync(name) {
        heapdump.writeSnapshot(name, function (err) {
          results.push([name, err ? err.code : 'written'])
        })
      }
      heapdump.writeSnapshotAsync({
        filename: 'async.heapsnapshot',
        onProgress: function (progress) {
          if (progress.phase !== 'done') sync(progress.phase + '.heapsnapshot')
        }
      }).then(
        function () { results.push(['async.heapsnapshot', 'written']) },
        function (err) { results.push(['async.heapsnapshot', err.code]) }
      ).then(function () { say(results) })
      sync('before.heapsnapshot')`,
      { fault: 'slow-write' },
    )
    const [results] = child.said
    assert.ok(results.length >= 4)
    for (const [name, result] of results) {
      if (result === 'written') readSnapshot(path.join(child.directory, name))
      else assert.equal(result, 'ERR_HEAPDUMP_BUSY')
    }
    const written = results.filter(([, result]) => result === 'written').map(([name]) => name)
    assert.deepEqual(filesIn(child.directory), [...new Set(written)].sort())
  })
})

describe('an AbortSignal', PARALLEL, () => {
  /** Aborts at some moment, with an existing file in the way; then captures again. */
  const abort = (when, onProgress = 'undefined') => `
    const fs = require('fs')
    const heapdump = require(ADDON)
    fs.writeFileSync('a.heapsnapshot', 'what was there')
    const controller = new AbortController()
    const promise = heapdump.writeSnapshotAsync({
      filename: 'a.heapsnapshot',
      signal: (${when === 'before' ? 'controller.abort(), ' : ''}controller.signal),
      onProgress: ${onProgress}
    })
    ${when === 'after' ? 'controller.abort()' : ''}
    promise.then(
      function () { say('written') },
      function (err) {
        say({ code: err.code, isError: err instanceof Error })
        say(fs.readdirSync('.'))
        say(fs.readFileSync('a.heapsnapshot', 'utf8'))
        return heapdump.writeSnapshotAsync('b.heapsnapshot').then(function () { say('then written') })
      })`

  const abortIn = (phase) => `function (progress) { if (progress.phase === '${phase}') controller.abort() }`

  const cases = [
    ['that was aborted before', abort('before')],
    ['aborted right after the call', abort('after')],
    ['aborted before V8 starts', abort('', abortIn('capture'))],
    ['aborted while the file is written', abort('', abortIn('write')), 'slow-write'],
    ['aborted while the file is written', abort('', abortIn('write')), 'slow-write,no-tmpfile'],
  ]
  for (const [what, script, fault] of cases) {
    it(`${what} rejects and leaves no file${fault ? ` (${fault})` : ''}`, async () => {
      const child = await run(script, { fault })
      assert.deepEqual(child.said, [
        { code: 'ERR_HEAPDUMP_ABORTED', isError: true },
        ['a.heapsnapshot'],
        'what was there',
        'then written',
      ])
      readSnapshot(path.join(child.directory, 'b.heapsnapshot'))
    })
  }

  it('aborted while nobody reads the FIFO rejects, and the event loop turned meanwhile', async () => {
    const directory = temporaryDirectory()
    makeFifo(path.join(directory, 'fifo'))
    const child = await run(
      `
      const controller = new AbortController()
      require(ADDON).writeSnapshotAsync({ filename: 'fifo', signal: controller.signal })
        .catch(function (err) { say(err.code) })
      setTimeout(function () { controller.abort() }, 200)`,
      { cwd: directory },
    )
    assert.deepEqual(child.said, ['ERR_HEAPDUMP_ABORTED'])
  })

  it('that is never aborted changes nothing, and may be aborted afterwards', async () => {
    const child = await run(`
      const controller = new AbortController()
      require(ADDON).writeSnapshotAsync({
        filename: 'a.heapsnapshot',
        signal: controller.signal
      }).then(function () {
        controller.abort()
        say('written')
      })`)
    assert.deepEqual(child.said, ['written'])
    readSnapshot(path.join(child.directory, 'a.heapsnapshot'))
  })
})

describe('timeoutMs', PARALLEL, () => {
  const script = (form, options) => `
    const fs = require('fs')
    const heapdump = require(ADDON)
    fs.writeFileSync('a.heapsnapshot', 'what was there')
    global.kept = []
    for (let i = 0; i < 100000; i++) global.kept.push({ i: i })
    function done(err) {
      say(err ? err.code : 'written')
      say(fs.readdirSync('.'))
      say(fs.readFileSync('a.heapsnapshot', 'utf8'))
      global.kept = null
      say(heapdump.writeSnapshot('b.heapsnapshot'))
    }
    const options = ${JSON.stringify({ filename: 'a.heapsnapshot', ...options })}
    if (${form === 'writeSnapshot'}) heapdump.writeSnapshot(options, done)
    else heapdump.writeSnapshotAsync(options).then(function () { done() }, done)`

  for (const form of ['writeSnapshot', 'writeSnapshotAsync']) {
    const cases = [
      ['while V8 captures', 1],
      ['while the file is written', 1000, 'slow-write'],
      ['while the file is written', 1000, 'slow-write,no-tmpfile'],
    ]
    for (const [what, timeoutMs, fault] of cases) {
      it(`gives up ${what}: ${form}${fault ? ` (${fault})` : ''}`, async () => {
        const child = await run(script(form, { timeoutMs }), { fault })
        assert.deepEqual(child.said, ['ERR_HEAPDUMP_TIMEOUT', ['a.heapsnapshot'], 'what was there', true])
        readSnapshot(path.join(child.directory, 'b.heapsnapshot'))
      })
    }
  }

  it('that is long enough changes nothing', async () => {
    for (const form of ['writeSnapshot', 'writeSnapshotAsync']) {
      const child = await run(
        `
        const options = { filename: 'a.heapsnapshot', timeoutMs: 600000 }
        const result = require(ADDON).${form}(options)
        Promise.resolve(result).then(function () { say('written') })`,
      )
      assert.deepEqual(child.said, ['written'])
      readSnapshot(path.join(child.directory, 'a.heapsnapshot'))
    }
  })
})
