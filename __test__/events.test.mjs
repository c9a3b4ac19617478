// on, once, off: who is told what, whoever asked for the snapshot.

import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import { describe, it } from 'node:test'
import { filesIn, PARALLEL, readSnapshot, run, snapshotsIn, start } from './helpers.mjs'

describe("'snapshot'", PARALLEL, () => {
  const requests = [
    ['writeSnapshot', `heapdump.writeSnapshot('a.heapsnapshot')`, 'api'],
    ['writeSnapshotAsync', `heapdump.writeSnapshotAsync('a.heapsnapshot')`, 'api'],
    ['SIGUSR2', `process.kill(process.pid, 'SIGUSR2')`, 'signal'],
  ]
  for (const [what, request, trigger] of requests) {
    it(`tells of one made by ${what}`, async () => {
      const child = await run(`
        const heapdump = require(ADDON)
        const alive = setInterval(function () {}, 1000)
        heapdump.on('snapshot', function (info) {
          say(info)
          clearInterval(alive)
        })
        ${request}`)
      const [info, ...others] = child.said
      assert.deepEqual(others, [])
      const file = path.join(child.directory, snapshotsIn(child.directory)[0])
      const snapshot = readSnapshot(file)
      const { pauseMs, durationMs, ...rest } = info
      assert.deepEqual(rest, {
        path: file,
        bytes: fs.statSync(file).size,
        nodes: snapshot.nodeCount,
        edges: snapshot.edgeCount,
        mode: 'in-process',
        trigger,
        pid: child.pid,
        threadId: 0,
      })
      assert.ok(pauseMs > 0 && durationMs >= pauseMs, `pause ${pauseMs}, duration ${durationMs} ms`)
    })
  }
})

describe("'error'", PARALLEL, () => {
  const requests = [
    ['writeSnapshot', `heapdump.writeSnapshot('/does/not/exist', function () {})`],
    ['writeSnapshotAsync', `heapdump.writeSnapshotAsync('/does/not/exist').catch(function () {})`],
    ['SIGUSR2', `heapdump.configure({ directory: '/does/not/exist' }); process.kill(process.pid, 'SIGUSR2')`],
  ]
  for (const [what, request] of requests) {
    it(`tells of a failure of ${what}`, async () => {
      const child = await run(`
        const heapdump = require(ADDON)
        const alive = setInterval(function () {}, 1000)
        heapdump.on('error', function (err) {
          say({ code: err.code, errno: err.errno, isError: err instanceof Error })
          clearInterval(alive)
        })
        ${request}`)
      const expected = { code: 'ERR_HEAPDUMP_IO', errno: 'ENOENT', isError: true }
      assert.deepEqual(child.said, [expected])
    })

    it(`is not thrown when nobody listens to a failure of ${what}`, async () => {
      await run(`
        const heapdump = require(ADDON)
        ${request}
        setTimeout(function () {}, 300)`)
    })
  }
})

describe('listeners', PARALLEL, () => {
  it('are called as often as they were added, once or until they are taken away', async () => {
    const child = await run(`
      const heapdump = require(ADDON)
      const calls = { on: 0, once: 0, off: 0 }
      function on() { calls.on++ }
      function once() { calls.once++ }
      function off() { calls.off++ }
      heapdump.on('snapshot', on)
      heapdump.once('snapshot', once)
      heapdump.on('snapshot', off)
      function write() {
        return heapdump.writeSnapshotAsync('a.heapsnapshot').then(function () {
          return new Promise(function (resolve) { setImmediate(resolve) })
        })
      }
      write()
        .then(write)
        .then(function () { heapdump.off('snapshot', off) })
        .then(write)
        .then(function () { say(calls) })`)
    assert.deepEqual(child.said, [{ on: 3, once: 1, off: 2 }])
  })

  it('that throw throw into nobody: it is an uncaught exception, and the snapshot is there', async () => {
    const requests = [
      `heapdump.writeSnapshot('a.heapsnapshot')`,
      `heapdump.writeSnapshotAsync('a.heapsnapshot')`,
      `process.kill(process.pid, 'SIGUSR2')`,
    ]
    for (const request of requests) {
      const child = await run(`
        const heapdump = require(ADDON)
        const alive = setInterval(function () {}, 1000)
        process.on('uncaughtException', function (err) { say(err.message); clearInterval(alive) })
        heapdump.on('snapshot', function () { throw new Error('mine') })
        ${request}`)
      assert.deepEqual(child.said, ['mine'], request)
      assert.equal(filesIn(child.directory).length, 1)
    }
  })

  it('keep neither the process nor a worker alive', async () => {
    const listen = `for (const name of ['snapshot', 'error', 'skipped']) {
      heapdump.on(name, function () {})
    }`
    await run(`const heapdump = require(ADDON); ${listen}`)
    await run(`
      const threads = require('worker_threads')
      const heapdump = require(ADDON)
      ${listen}
      if (threads.isMainThread) new threads.Worker(__filename)`)
  })

  it('do not keep a process alive that has signals to come', async () => {
    const child = start(`
      const heapdump = require(ADDON)
      heapdump.on('snapshot', function () { say('heard') })
      const timer = setInterval(function () {}, 1000)
      process.on('SIGTERM', function () { clearInterval(timer); process.removeAllListeners() })
      say('ready')`)
    await child.says('ready')
    child.kill('SIGUSR2')
    await child.says('heard')
    child.kill('SIGTERM')
    await child.endsWell()
    assert.equal(filesIn(child.directory).length, 1)
  })
})
