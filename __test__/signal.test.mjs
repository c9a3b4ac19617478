// SIGUSR2 writes a snapshot, whatever the main thread is doing.

import assert from 'node:assert/strict'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { describe, it } from 'node:test'
import { aWhile, DEFAULT_NAME, filesIn, PARALLEL, ROOT, readSnapshot, start, temporaryDirectory } from './helpers.mjs'

const ALIVE = `setInterval(function () {}, 1000)`

describe('SIGUSR2', PARALLEL, () => {
  const occupations = [
    ['sits in an idle event loop', `${ALIVE}; say('ready')`],
    ['is a listening server', `require('http').createServer().listen(0, function () { say('ready') })`],
    ['spins in for (;;) {}', `say('ready'); for (;;) {}`],
    [
      'parses JSON without end',
      `const text = JSON.stringify(Array(20000).fill({ a: [1, 2, { b: 'c' }] }))
       say('ready'); while (true) JSON.parse(text)`,
    ],
    ['matches a regular expression without end', `say('ready'); /^(a+)+$/.test('a'.repeat(60) + 'b')`],
    ['resolves promises without end', `say('ready'); (function again() { Promise.resolve().then(again) })()`],
    ['ticks without end', `say('ready'); (function again() { process.nextTick(again) })()`],
    ['waits in Atomics.wait', `say('ready'); Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)`],
    [
      'spins in WebAssembly',
      `const bytes = [0, 97, 115, 109, 1, 0, 0, 0, 1, 4, 1, 96, 0, 0, 3, 2, 1, 0, 7, 5, 1, 1, 102, 0, 0,
         10, 9, 1, 7, 0, 3, 64, 12, 0, 11, 11]
       const compiled = new WebAssembly.Module(Uint8Array.from(bytes))
       const instance = new WebAssembly.Instance(compiled)
       say('ready'); instance.exports.f()`,
    ],
    ['runs a program synchronously', `say('ready'); for (;;) require('child_process').execFileSync('sleep', ['0.3'])`],
  ]
  for (const [what, script] of occupations) {
    it(`writes a snapshot when the main thread ${what}`, async () => {
      const child = start(`require(ADDON); ${script}`)
      await child.says('ready')
      child.kill('SIGUSR2')
      const [file] = await child.snapshots()
      await child.complains(/^rs-heapdump: .*heapsnapshot/)
      child.kill('SIGKILL')
      assert.deepEqual(await child.ended(), { code: null, signal: 'SIGKILL' })
      assert.match(path.basename(file), DEFAULT_NAME)
      assert.deepEqual(filesIn(child.directory), [path.basename(file)])
      const { provenance } = readSnapshot(file)
      assert.equal(provenance.trigger, 'signal')
      assert.equal(provenance.mode, 'in-process')
      assert.equal(provenance.pid, child.pid)
      assert.equal(provenance.thread_id, 0)
    })
  }

  it('works again and again, in the event loop and out of it', async () => {
    const child = start(`
      require(ADDON)
      ${ALIVE}
      process.stdin.on('data', function () {
        const wanted = require('fs').readdirSync('.').length + 1
        say('busy')
        while (require('fs').readdirSync('.').length < wanted) {}
        say('free')
      })
      say('ready')`)
    await child.says('ready')
    child.kill('SIGUSR2')
    await child.snapshots(1)
    child.stdin.write('x')
    await child.says('busy')
    child.kill('SIGUSR2')
    await child.snapshots(2)
    await child.says('free')
    child.kill('SIGUSR2')
    const files = await child.snapshots(3)
    child.kill('SIGKILL')
    for (const file of files) readSnapshot(file)
  })

  it('lets a busy loop go on where it was', async () => {
    const child = start(`
      require(ADDON)
      const worker = require('worker_threads')
      const flag = new Int32Array(new SharedArrayBuffer(4))
      const watcher = new worker.Worker(
        "const w = require('worker_threads'); const fs = require('fs');" +
        "setInterval(function () {" +
        "  if (fs.readdirSync('.').length > 0) Atomics.store(w.workerData, 0, 1)" +
        "}, 10); w.parentPort.postMessage('watching')",
        { eval: true, workerData: flag }
      )
      watcher.on('message', function () {
        say('ready')
        let sum = 0
        let rounds = 0
        while (Atomics.load(flag, 0) === 0) { sum += rounds % 7; rounds++ }
        let expected = 0
        for (let i = 0; i < rounds; i++) expected += i % 7
        say({ right: sum === expected, rounds: rounds > 0 })
        process.exit(0)
      })`)
    await child.says('ready')
    child.kill('SIGUSR2')
    await child.endsWell()
    assert.deepEqual(child.said.at(-1), { right: true, rounds: true })
  })

  it('leaves the time limit of a script in force', async () => {
    const child = start(`
      require(ADDON)
      say('ready')
      try {
        require('vm').runInNewContext('for (;;) {}', {}, { timeout: 1500 })
      } catch (err) {
        say(err.code)
      }
      say(require('vm').runInNewContext('6 * 7', {}, { timeout: 60000 }))`)
    await child.says('ready')
    child.kill('SIGUSR2')
    const [file] = await child.snapshots()
    await child.says('ERR_SCRIPT_EXECUTION_TIMEOUT')
    await child.says(42)
    await child.endsWell()
    readSnapshot(file)
  })

  it('is answered after writeSnapshot when it comes in the middle of it', async () => {
    const child = start(
      `
      const heapdump = require(ADDON)
      setTimeout(function () {
        say('ready')
        heapdump.writeSnapshot('a.heapsnapshot')
        ${ALIVE}
      }, 1)`,
      { fault: 'slow-write' },
    )
    await child.says('ready')
    await new Promise((resolve) => setTimeout(resolve, 300))
    child.kill('SIGUSR2')
    const files = await child.snapshots(2)
    child.kill('SIGKILL')
    const triggers = files.map((file) => readSnapshot(file).provenance.trigger)
    assert.deepEqual(triggers.sort(), ['api', 'signal'])
  })

  it('is given up when it takes longer than configure allows', async () => {
    const child = start(
      `
      const heapdump = require(ADDON)
      heapdump.configure({ timeoutMs: 400 })
      heapdump.on('error', function (err) { say(err.code) })
      process.on('SIGTERM', function () { process.exit(0) })
      ${ALIVE}
      say('ready')`,
      { fault: 'slow-write' },
    )
    await child.says('ready')
    child.kill('SIGUSR2')
    await child.says('ERR_HEAPDUMP_TIMEOUT')
    await child.complains(/^rs-heapdump: /)
    child.kill('SIGTERM')
    await child.endsWell()
    assert.deepEqual(filesIn(child.directory), [])
  })

  it('is covered by node --require alone', async () => {
    const child = start(`${ALIVE}; say('ready')`, { nodeArgs: ['--require', ROOT] })
    await child.says('ready')
    child.kill('SIGUSR2')
    const [file] = await child.snapshots()
    child.kill('SIGKILL')
    readSnapshot(file)
  })

  it('makes one file even where the package is loaded twice', async () => {
    const child = start(`
      require(ADDON)
      Object.keys(require.cache).forEach(function (name) { delete require.cache[name] })
      require(ADDON)
      ${ALIVE}
      say('ready')`)
    await child.says('ready')
    child.kill('SIGUSR2')
    await child.snapshots()
    await child.complains(/^rs-heapdump: .*heapsnapshot/)
    await aWhile()
    assert.equal(filesIn(child.directory).length, 1)
    child.kill('SIGKILL')
  })

  it('works for each process of its own, when a process forks', async () => {
    const child = start(`
      require(ADDON)
      if (process.argv[2]) {
        process.send('ready')
        process.on('disconnect', function () { process.exit(0) })
      } else {
        const fork = require('child_process').fork(__filename, ['child'])
        fork.on('message', function () { say(fork.pid) })
        fork.on('exit', function (code, signal) { say({ code: code, signal: signal }) })
        process.on('SIGTERM', function () { fork.disconnect() })
      }`)
    const forkPid = await child.says((value) => typeof value === 'number')
    process.kill(forkPid, 'SIGUSR2')
    await child.snapshots(1)
    child.kill('SIGUSR2')
    const files = await child.snapshots(2)
    const pids = files.map((file) => readSnapshot(file).provenance.pid)
    assert.deepEqual(pids, [forkPid, child.pid])
    child.kill('SIGTERM')
    assert.deepEqual(await child.next(), { code: 0, signal: null })
    await child.endsWell()
  })
})

/** Whether no thread of the process has taken this signal yet; `false` where the kernel does not tell. */
function isPending(pid, signal) {
  if (process.platform !== 'linux') return false
  const shared = /^ShdPnd:\s*(\S+)$/m.exec(fs.readFileSync(`/proc/${pid}/status`, 'latin1'))[1]
  return Boolean((BigInt(`0x${shared}`) >> BigInt(os.constants.signals[signal] - 1)) & 1n)
}

describe('several SIGUSR2 at once', PARALLEL, () => {
  it('make one snapshot and one more, and tell of the others', async () => {
    const child = start(
      `
      const heapdump = require(ADDON)
      const skipped = []
      heapdump.on('skipped', function (event) { skipped.push(event) })
      process.on('SIGTERM', function () { say(skipped); process.exit(0) })
      ${ALIVE}
      say('ready')`,
      { fault: 'slow-write' },
    )
    await child.says('ready')
    child.kill('SIGUSR2')
    await child.complains(/heap snapshot/)
    for (let i = 0; i < 4; i++) {
      child.kill('SIGUSR2')
      // The kernel, too, makes one of signals that come before the last one was taken.
      await new Promise((resolve) => setTimeout(resolve, 2))
      await child.until(() => !isPending(child.pid, 'SIGUSR2'), 'the signal to be taken')
    }
    const files = await child.snapshots(2)
    await aWhile()
    child.kill('SIGTERM')
    await child.endsWell()
    assert.equal(filesIn(child.directory).length, 2)
    for (const file of files) readSnapshot(file)
    const skipped = child.said.at(-1)
    assert.ok(skipped.length >= 1, 'somebody is told')
    for (const event of skipped) {
      const expected = { reason: 'coalesced', trigger: 'signal', pid: child.pid, threadId: 0 }
      assert.deepEqual(event, expected)
    }
  })

  it('never make a file that is not whole', async () => {
    const child = start(`require(ADDON); ${ALIVE}; say('ready')`)
    await child.says('ready')
    for (let i = 0; i < 20; i++) child.kill('SIGUSR2')
    await child.snapshots(1)
    await child.until(
      () => child.complaints().length === 2 * child.complaints(/\.heapsnapshot/).length,
      'the end of what it began',
    )
    await aWhile()
    const files = await child.snapshots(1)
    child.kill('SIGKILL')
    assert.ok(files.length <= 3, `${files.length} files`)
    for (const file of files) readSnapshot(file)
  })
})

describe('what a signal prints on stderr', PARALLEL, () => {
  it('is one line when it starts and one when it ends', async () => {
    const child = start(`require(ADDON); ${ALIVE}; say('ready')`)
    await child.says('ready')
    assert.equal(child.stderr, '')
    child.kill('SIGUSR2')
    const [file] = await child.snapshots()
    const [first, last, ...others] = await child.complains(/./, 2)
    child.kill('SIGKILL')
    await child.ended()
    assert.deepEqual(others, [])
    assert.equal(child.complaints().length, 2)
    assert.match(first, /^rs-heapdump: .*heap snapshot/)
    assert.match(first, new RegExp(`\\b${child.pid}\\b`))
    assert.match(last, /^rs-heapdump: /)
    assert.ok(last.includes(file), `${last} has the path`)
    assert.match(last, /\d(\.\d+)? ?(MB|MiB|kB|KiB|B)\b/)
    assert.match(last, /\d(\.\d+)? ?(ms|s)\b/)
  })

  it('is nothing with quiet, by environment and by configure', async () => {
    const quiet = [
      [`require(ADDON)`, 'quiet'],
      [`require(ADDON).configure({ quiet: true })`, undefined],
    ]
    for (const [script, options] of quiet) {
      const child = start(
        `${script}
         process.on('SIGTERM', function () { process.exit(0) })
         ${ALIVE}
         say('ready')`,
        { options },
      )
      await child.says('ready')
      child.kill('SIGUSR2')
      await child.snapshots()
      child.kill('SIGTERM')
      await child.endsWell()
      assert.equal(child.stderr, '')
    }
  })

  it('harms nobody when nobody reads it', async () => {
    const child = start(`require(ADDON); ${ALIVE}; say('ready')`)
    await child.says('ready')
    child.closeStderr()
    child.kill('SIGUSR2')
    await child.snapshots(1)
    child.kill('SIGUSR2')
    const files = await child.snapshots(2)
    child.kill('SIGKILL')
    for (const file of files) readSnapshot(file)
  })
})

describe('a signal snapshot', PARALLEL, () => {
  it('that is under way at process.exit() is finished first', async () => {
    for (const fault of ['slow-write', 'slow-write,no-tmpfile']) {
      const child = start(
        `
        require(ADDON)
        process.on('SIGTERM', function () { process.exit(5) })
        ${ALIVE}
        say('ready')`,
        { fault },
      )
      await child.says('ready')
      child.kill('SIGUSR2')
      await child.complains(/heap snapshot/)
      child.kill('SIGTERM')
      assert.deepEqual(await child.ended(), { code: 5, signal: null })
      const [name, ...others] = filesIn(child.directory)
      assert.deepEqual(others, [])
      readSnapshot(path.join(child.directory, name))
    }
  })

  it('that is under way when there is nothing else to do is finished first', async () => {
    const child = start(
      `
      require(ADDON)
      const timer = ${ALIVE}
      process.on('SIGTERM', function () { clearInterval(timer); process.removeAllListeners('SIGTERM') })
      say('ready')`,
      { fault: 'slow-write' },
    )
    await child.says('ready')
    child.kill('SIGUSR2')
    await child.complains(/heap snapshot/)
    child.kill('SIGTERM')
    await child.endsWell()
    const [name, ...others] = filesIn(child.directory)
    assert.deepEqual(others, [])
    readSnapshot(path.join(child.directory, name))
  })

  it('goes where the process was told to put it', async () => {
    const directory = temporaryDirectory()
    const told = [
      [`require(ADDON)`, `dir=${directory}`],
      [`require(ADDON).configure({ directory: ${JSON.stringify(directory)} })`, undefined],
      [`require(ADDON).configure({ directory: ${JSON.stringify(directory)} })`, 'dir=/nowhere'],
    ]
    let files = 0
    for (const [script, options] of told) {
      const child = start(`${script}; ${ALIVE}; say('ready')`, { options })
      await child.says('ready')
      child.kill('SIGUSR2')
      await child.until(() => filesIn(directory).length > files, 'a file in the directory')
      child.kill('SIGKILL')
      files++
      assert.deepEqual(filesIn(child.directory), [])
    }
    for (const name of filesIn(directory)) readSnapshot(path.join(directory, name))
  })

  it('goes to the working directory of the moment of the signal', async () => {
    const directory = temporaryDirectory()
    const child = start(`require(ADDON); process.chdir(${JSON.stringify(directory)}); ${ALIVE}; say('ready')`)
    await child.says('ready')
    child.kill('SIGUSR2')
    await child.until(() => filesIn(directory).length > 0, 'a file in the directory')
    child.kill('SIGKILL')
    assert.deepEqual(filesIn(child.directory), [])
  })

  it('has its mode: readable by its owner alone', async () => {
    const child = start(`require(ADDON); process.umask(0); ${ALIVE}; say('ready')`)
    await child.says('ready')
    child.kill('SIGUSR2')
    const [file] = await child.snapshots()
    child.kill('SIGKILL')
    assert.equal((fs.statSync(file).mode & 0o777).toString(8), '600')
  })
})
