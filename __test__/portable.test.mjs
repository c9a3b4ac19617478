// Where V8's own API is out of reach, the portable engine (node:v8) keeps the same contract.

import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import { describe, it } from 'node:test'
import {
  answer,
  aWhile,
  DEFAULT_NAME,
  filesIn,
  makeFifo,
  PARALLEL,
  parseSnapshot,
  readSnapshot,
  run,
  start,
  temporaryDirectory,
} from './helpers.mjs'

const FAULT = { fault: 'no-v8-symbols' }

describe('without V8 symbols', PARALLEL, () => {
  it('support says so, and why', async () => {
    const { mode, inProcess } = await answer(`say(require(ADDON).support())`, FAULT)
    assert.equal(mode, 'portable')
    assert.equal(inProcess.available, false)
    assert.notEqual(inProcess.detail, '')
  })

  it('both forms write whole snapshots that say how they were made', async () => {
    const child = await run(
      `
      const heapdump = require(ADDON)
      class Marked {}
      global.kept = new Marked()
      say(heapdump.writeSnapshot('sync.heapsnapshot', function (err, name) { say([err, name]) }))
      heapdump.writeSnapshotAsync('async.heapsnapshot').then(function (info) {
        say([info.mode, info.nodes, info.edges, info.bytes])
      })`,
      FAULT,
    )
    assert.deepEqual(child.said.slice(0, 2), [[null, 'sync.heapsnapshot'], true])
    assert.deepEqual(filesIn(child.directory), ['async.heapsnapshot', 'sync.heapsnapshot'])
    const [async, sync] = filesIn(child.directory).map((name) => readSnapshot(path.join(child.directory, name)))
    for (const snapshot of [async, sync]) {
      assert.equal(snapshot.provenance.mode, 'portable')
      assert.equal(snapshot.idsOf('Marked').length, 1)
    }
    const { size, mode } = fs.statSync(path.join(child.directory, 'async.heapsnapshot'))
    assert.deepEqual(child.said[2], ['portable', async.nodeCount, async.edgeCount, size])
    assert.equal((mode & 0o777).toString(8), '600')
  })

  it('the default name is as documented', async () => {
    const child = await run(`say(require(ADDON).writeSnapshot())`, FAULT)
    assert.deepEqual(child.said, [true])
    assert.match(filesIn(child.directory)[0], DEFAULT_NAME)
  })

  const errors = [
    ['/does/not/exist', 'ENOENT'],
    ['.', 'EISDIR'],
    ['/dev/full', 'ENOSPC'],
  ]
  for (const [target, errno] of errors) {
    it(`errors are the same: ${target} gives ${errno}`, async () => {
      const child = await run(
        `
        const heapdump = require(ADDON)
        const target = ${JSON.stringify(target)}
        function figures(err) { return [err.code, err.errno] }
        heapdump.writeSnapshot(target, function (err) { say(err.message); say(figures(err)) })
        heapdump.writeSnapshotAsync(target).catch(function (err) {
          say(figures(err))
          say(heapdump.writeSnapshot('last.heapsnapshot'))
        })`,
        FAULT,
      )
      assert.deepEqual(child.said, [
        `heapdump write error ${errno}`,
        ['ERR_HEAPDUMP_IO', errno],
        ['ERR_HEAPDUMP_IO', errno],
        true,
      ])
      assert.deepEqual(filesIn(child.directory), ['last.heapsnapshot'])
    })
  }

  it('what node:v8 throws is told of the target, with its errno', async () => {
    const child = await run(
      `
      const heapdump = require(ADDON)
      const errors = [
        Object.assign(new Error('EACCES: permission denied'), { errno: -13, syscall: 'open' }),
        new Error('no such luck with '),
      ]
      require('v8').writeHeapSnapshot = function (file) {
        const error = errors.shift()
        error.message += file
        throw error
      }
      function failed(err) { say([err.code, err.errno, err.syscall, err.path, err.message]) }
      heapdump.writeSnapshotAsync('a.heapsnapshot').catch(failed).then(function () {
        heapdump.writeSnapshotAsync('a.heapsnapshot').catch(failed)
      })`,
      FAULT,
    )
    const target = path.join(child.directory, 'a.heapsnapshot')
    const [[code, errno, syscall, file, message], [otherCode, , , , otherMessage]] = child.said
    assert.deepEqual([code, errno, syscall, file], ['ERR_HEAPDUMP_IO', 'EACCES', 'open', target])
    assert.ok(message.startsWith('EACCES: ') && message.endsWith(`, open '${target}'`), message)
    assert.deepEqual([otherCode, otherMessage], ['ERR_HEAPDUMP_IO', `no such luck with ${target}`])
  })

  it('a FIFO is written to', async () => {
    const directory = temporaryDirectory()
    const fifo = makeFifo(path.join(directory, 'fifo'))
    const child = start(`say(require(ADDON).writeSnapshot('fifo'))`, { ...FAULT, cwd: directory })
    const chunks = []
    for await (const chunk of fs.createReadStream(fifo)) chunks.push(chunk)
    await child.endsWell()
    parseSnapshot(Buffer.concat(chunks).toString())
    assert.deepEqual(filesIn(directory), ['fifo'])
  })

  it('a file that cannot be written to its end is an error, and what was there stays', async () => {
    const directory = temporaryDirectory()
    fs.writeFileSync(path.join(directory, 'a.heapsnapshot'), 'what was there')
    const child = await run(`require(ADDON).writeSnapshot('a.heapsnapshot', function (err) { say(err.code) })`, {
      ...FAULT,
      cwd: directory,
      wrapper: ['prlimit', '--fsize=1048576'],
    })
    // node:v8 does not tell why it stopped.
    assert.deepEqual(child.said, ['ERR_HEAPDUMP_IO'])
    assert.deepEqual(filesIn(directory), ['a.heapsnapshot'])
    assert.equal(fs.readFileSync(path.join(directory, 'a.heapsnapshot'), 'utf8'), 'what was there')
  })

  it('SIGUSR2 works on an event loop', async () => {
    const child = start(`const heapdump = require(ADDON); setInterval(function () {}, 1000); say('ready')`, FAULT)
    await child.says('ready')
    for (const count of [1, 2]) {
      child.kill('SIGUSR2')
      const files = await child.snapshots(count)
      await child.complains(/\.heapsnapshot/, count)
      assert.equal(readSnapshot(files.at(-1)).provenance.trigger, 'signal')
    }
    child.kill('SIGKILL')
  })

  it('SIGUSR2 in a busy loop is as support says: now, or as soon as there is an event loop', async () => {
    const child = start(
      `
      const heapdump = require(ADDON)
      setInterval(function () {}, 1000)
      setTimeout(function () {
        const available = heapdump.support().blockedLoop.available
        say(available)
        const end = Date.now() + (available ? 120000 : 1500)
        while (Date.now() < end && require('fs').readdirSync('.').length === 0) {}
        say(require('fs').readdirSync('.').length)
      }, 1)`,
      FAULT,
    )
    const available = await child.next()
    child.kill('SIGUSR2')
    const during = await child.next()
    if (available) assert.equal(during, 1)
    await child.snapshots(1)
    await aWhile()
    child.kill('SIGKILL')
    assert.equal(filesIn(child.directory).length, 1)
  })

  it('a worker works too', async () => {
    const child = await run(
      `
      const threads = require('worker_threads')
      const heapdump = require(ADDON)
      if (threads.isMainThread) new threads.Worker(__filename)
      else say(heapdump.writeSnapshot('a.heapsnapshot'))`,
      FAULT,
    )
    assert.deepEqual(child.said, [true])
    const { provenance } = readSnapshot(path.join(child.directory, 'a.heapsnapshot'))
    assert.equal(provenance.thread_id, 1)
  })

  it('gc is as support says, and leaves no global.gc behind', async () => {
    const child = await run(
      `
      const heapdump = require(ADDON)
      let ref
      ;(function () { ref = new WeakRef({}) })()
      setTimeout(function () {
        try {
          heapdump.gc()
          say(ref.deref() === undefined)
        } catch (err) {
          say(err.code)
        }
        say(typeof global.gc)
        say(heapdump.support().gc.available)
      }, 1)`,
      FAULT,
    )
    const [outcome, global, available] = child.said
    assert.equal(outcome, available ? true : 'ERR_HEAPDUMP_UNSUPPORTED')
    assert.equal(global, 'undefined')
  })

  it('an abort while the file is written leaves no file', async () => {
    const child = await run(
      `
      const controller = new AbortController()
      require(ADDON).writeSnapshotAsync({
        filename: 'a.heapsnapshot',
        signal: controller.signal,
        onProgress: function (progress) { if (progress.phase !== 'done') controller.abort() }
      }).catch(function (err) { say(err.code) })`,
      { fault: 'no-v8-symbols,slow-write' },
    )
    assert.deepEqual(child.said, ['ERR_HEAPDUMP_ABORTED'])
    assert.deepEqual(filesIn(child.directory), [])
  })
})
