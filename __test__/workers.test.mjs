// Worker threads: each can call everything, and signals cover the threads that were asked for.

import assert from 'node:assert/strict'
import path from 'node:path'
import { describe, it } from 'node:test'
import { aWhile, DEFAULT_NAME, filesIn, PARALLEL, ROOT, readSnapshot, run, snapshotsIn, start } from './helpers.mjs'

const WORKER_NAME = /^heapdump-\d+\.\d{6}-thread(\d+)\.heapsnapshot$/

/**
 * A process whose threads take commands from its stdin, one in a line, `<thread> <source text>`:
 * thread 0 is the main thread, the others are the workers, which `new` starts. What a thread is
 * told, it does at once, and answers with `[threadId, result]`.
 */
const THREADS = `
  const threads = require('worker_threads')
  const fs = require('fs')
  let heapdump
  const load = function () { heapdump = require(ADDON); return 'loaded' }
  function obey(source) {
    new Promise(function (resolve) { resolve(eval(source)) })
      .catch(function (err) { return err.code || err.message })
      .then(function (result) { say([threads.threadId, result === undefined ? null : result]) })
  }
  if (threads.isMainThread) {
    const workers = {}
    process.on('uncaughtException', function (err) { say(['uncaught', String(err)]); process.exit(9) })
    require('readline').createInterface({ input: process.stdin }).on('line', function (line) {
      const words = /^(\\w+) ?(.*)$/.exec(line)
      if (words[1] === 'new') {
        const worker = new threads.Worker(__filename)
        const id = worker.threadId
        workers[id] = worker
        worker.on('online', function () { say([id, 'online']) })
        worker.on('exit', function (code) { say([id, 'exit']) })
      } else if (words[1] === 'terminate') {
        workers[words[2]].terminate()
      } else if (words[1] === '0') {
        obey(words[2])
      } else {
        workers[words[1]].postMessage(words[2])
      }
    })
  } else {
    threads.parentPort.on('message', obey)
  }`

/** Starts such a process, and gives the means to command it. */
function startThreads(options) {
  const child = start(THREADS, options)
  /** Commands a thread and waits for its answer. */
  const command = async (thread, source) => {
    child.stdin.write(`${thread} ${source}\n`)
    const [, result] = await child.says((said) => said[0] === thread)
    return result
  }
  return {
    child,
    command,
    /** Starts the next worker; they are numbered from 1. */
    async startWorker() {
      child.stdin.write('new\n')
      const [thread] = await child.says((said) => said[1] === 'online')
      return thread
    },
    load: (thread) => command(thread, 'load()'),
    /** Ends a worker from inside (`exit`) or from outside (`terminate`). */
    async endWorker(thread, how) {
      child.stdin.write(how === 'exit' ? `${thread} process.exit(0)\n` : `terminate ${thread}\n`)
      await child.says((said) => said[0] === thread && said[1] === 'exit')
    },
    /** Sends SIGUSR2, and waits until the main thread has turned its loop since. */
    async signalForNothing() {
      child.kill('SIGUSR2')
      await aWhile()
      await command(0, '1')
    },
    async end() {
      child.stdin.end()
      child.stdin.destroy()
      child.kill('SIGKILL')
      await child.ended()
    },
    async exit() {
      child.stdin.write('0 process.exit(0)\n')
      await child.endsWell()
    },
  }
}

describe('a worker', PARALLEL, () => {
  it('can call everything', async () => {
    const child = await run(`
      const threads = require('worker_threads')
      if (threads.isMainThread) {
        new threads.Worker(__filename)
      } else {
        const heapdump = require(ADDON)
        class OnlyInTheWorker {}
        global.kept = new OnlyInTheWorker()
        const events = []
        heapdump.on('snapshot', function (info) { events.push(info.threadId) })
        heapdump.gc()
        heapdump.configure({ quiet: true })
        say(heapdump.support().mode)
        say(heapdump.writeSnapshot('sync.heapsnapshot'))
        heapdump.writeSnapshot('/does/not/exist', function (err) { say(err.errno) })
        heapdump.writeSnapshotAsync('async.heapsnapshot').then(function (info) {
          say(info.threadId)
          setImmediate(function () { say(events) })
        })
      }`)
    assert.deepEqual(child.said, ['in-process', true, 'ENOENT', 1, [1, 1]])
    for (const name of ['async.heapsnapshot', 'sync.heapsnapshot']) {
      const snapshot = readSnapshot(path.join(child.directory, name))
      assert.equal(snapshot.idsOf('OnlyInTheWorker').length, 1)
      assert.equal(snapshot.provenance.thread_id, 1)
      assert.equal(snapshot.provenance.pid, child.pid)
    }
  })

  it('has its number in default names', async () => {
    const { child, startWorker, load, command, end } = startThreads()
    await load(0)
    for (const worker of [await startWorker(), await startWorker()]) {
      await load(worker)
      assert.equal(await command(worker, 'heapdump.writeSnapshot()'), true)
      const name = snapshotsIn(child.directory).find((name) => WORKER_NAME.exec(name)?.[1] === `${worker}`)
      assert.equal(readSnapshot(path.join(child.directory, name)).provenance.thread_id, worker)
    }
    await command(0, 'heapdump.writeSnapshot()')
    assert.equal(snapshotsIn(child.directory).filter((name) => DEFAULT_NAME.test(name)).length, 1)
    await end()
  })

  it('and all others can capture at the same time', async () => {
    const { child, startWorker, load, command, end } = startThreads()
    await load(0)
    const workers = [await startWorker(), await startWorker(), await startWorker()]
    for (const worker of workers) await load(worker)
    for (const thread of [0, ...workers]) {
      child.stdin.write(`${thread} heapdump.writeSnapshotAsync().then(() => 'written')\n`)
    }
    const results = []
    while (results.length < 4) results.push((await child.next())[1])
    const written = results.filter((result) => result === 'written').length
    assert.ok(written >= 1)
    for (const result of results) assert.match(result, /^(written|ERR_HEAPDUMP_BUSY)$/)
    assert.equal(filesIn(child.directory).length, written)
    for (const name of filesIn(child.directory)) readSnapshot(path.join(child.directory, name))
    assert.equal(await command(0, 'heapdump.writeSnapshot()'), true)
    await end()
  })

  it('keeps its garbage collection to itself', async () => {
    const { startWorker, load, command, end } = startThreads()
    await load(0)
    const worker = await startWorker()
    await load(worker)
    const makeGarbage = `global.ref = new WeakRef({}), null`
    const isGone = `new Promise((done) => setTimeout(() => done(ref.deref() === undefined), 5))`
    await command(worker, makeGarbage)
    await command(worker, 'heapdump.gc()')
    assert.equal(await command(worker, isGone), true)
    await end()
  })
})

describe('SIGUSR2', PARALLEL, () => {
  const orders = [
    ['main alone', ['main', 'worker without']],
    ['main, then a worker', ['main', 'worker']],
    ['a worker, then main', ['worker', 'main']],
    ['workers before and after main', ['worker', 'main', 'worker']],
  ]
  for (const [what, order] of orders) {
    it(`covers the main thread where the package was loaded by ${what}`, async () => {
      const { child, startWorker, load, exit } = startThreads()
      for (const step of order) {
        if (step === 'main') await load(0)
        else {
          const worker = await startWorker()
          if (step === 'worker') await load(worker)
        }
      }
      child.kill('SIGUSR2')
      const [file] = await child.snapshots()
      await child.complains(/\.heapsnapshot/)
      await aWhile()
      await exit()
      assert.deepEqual(filesIn(child.directory), [path.basename(file)])
      assert.match(path.basename(file), DEFAULT_NAME)
      assert.equal(readSnapshot(file).provenance.thread_id, 0)
    })
  }

  it('covers the workers where they alone have loaded the package', async () => {
    const { child, startWorker, load, exit } = startThreads()
    const first = await startWorker()
    const second = await startWorker()
    await startWorker()
    await load(first)
    await load(second)
    child.kill('SIGUSR2')
    const files = await child.snapshots(2)
    await child.complains(/\.heapsnapshot/, 2)
    await aWhile()
    await exit()
    assert.equal(filesIn(child.directory).length, 2)
    const threads = files.map((file) => readSnapshot(file).provenance.thread_id)
    assert.deepEqual(threads.sort(), [first, second])
  })

  for (const [how, options, configure] of [
    ['by configure', undefined, `heapdump.configure({ threads: 'all' })`],
    ['by environment', 'threads=all', 'null'],
  ]) {
    it(`covers all threads that loaded the package when asked to ${how}, with a file each`, async () => {
      const { child, startWorker, load, command, exit } = startThreads({ options })
      await load(0)
      const first = await startWorker()
      const second = await startWorker()
      await startWorker()
      await load(first)
      await load(second)
      await command(0, configure)
      await command(
        0,
        `global.heard = [], heapdump.on('snapshot', (info) => heard.push([info.threadId, info.trigger]))`,
      )
      child.kill('SIGUSR2')
      const files = await child.snapshots(3)
      await child.complains(/\.heapsnapshot/, 3)
      await aWhile()
      const heard = await command(0, 'heard')
      await exit()
      assert.equal(filesIn(child.directory).length, 3)
      const threads = files.map((file) => {
        const { thread_id: thread, trigger } = readSnapshot(file).provenance
        assert.equal(trigger, 'signal')
        if (thread === 0) assert.match(path.basename(file), DEFAULT_NAME)
        else assert.equal(WORKER_NAME.exec(path.basename(file))[1], `${thread}`)
        return thread
      })
      assert.deepEqual(threads.sort(), [0, first, second])
      assert.deepEqual(
        heard.sort(),
        [0, first, second].map((thread) => [thread, 'signal']),
      )
    })
  }

  it('reaches workers that never return to their event loops', async () => {
    const { child, startWorker, load, command, end } = startThreads({ options: 'threads=all' })
    await load(0)
    const spinning = await startWorker()
    const waiting = await startWorker()
    await load(spinning)
    await load(waiting)
    child.stdin.write(`${spinning} say('spins') || (function () { for (;;) {} })()\n`)
    await child.says('spins')
    child.stdin.write(`${waiting} say('waits') || Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)\n`)
    await child.says('waits')
    child.kill('SIGUSR2')
    const files = await child.snapshots(3)
    await command(0, '1')
    await end()
    const threads = files.map((file) => readSnapshot(file).provenance.thread_id)
    assert.deepEqual(threads.sort(), [0, spinning, waiting])
  })

  for (const how of ['exit', 'terminate']) {
    for (const main of ['loaded by main too', 'loaded by the worker alone']) {
      it(`is safe when a worker has ended (${how}), ${main}`, async () => {
        const { child, startWorker, load, endWorker, signalForNothing, command, exit } = startThreads({
          options: 'threads=all',
        })
        const withMain = main === 'loaded by main too'
        if (withMain) await load(0)
        const worker = await startWorker()
        await load(worker)
        child.kill('SIGUSR2')
        const before = withMain ? 2 : 1
        await child.snapshots(before)
        await endWorker(worker, how)
        if (withMain) {
          child.kill('SIGUSR2')
          await child.snapshots(before + 1)
        } else {
          await signalForNothing()
          assert.equal(snapshotsIn(child.directory).length, before)
        }
        const another = await startWorker()
        await load(another)
        child.kill('SIGUSR2')
        await child.snapshots(withMain ? before + 3 : before + 1)
        await command(0, '1')
        await exit()
        for (const name of snapshotsIn(child.directory)) {
          readSnapshot(path.join(child.directory, name))
        }
      })
    }
  }

  it('covers workers too when node --require loads the package in each thread', async () => {
    const { child, startWorker, exit } = startThreads({
      options: 'threads=all',
      nodeArgs: ['--require', ROOT],
    })
    const worker = await startWorker()
    child.kill('SIGUSR2')
    const files = await child.snapshots(2)
    await child.complains(/\.heapsnapshot/, 2)
    await exit()
    const threads = files.map((file) => readSnapshot(file).provenance.thread_id)
    assert.deepEqual(threads.sort(), [0, worker])
  })
})
