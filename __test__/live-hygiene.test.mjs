// What the child of a live capture keeps to itself: no descriptor, signal, core file or memory of the
// process is touched, and the application's own children are its own.

import assert from 'node:assert/strict'
import fs from 'node:fs'
import net from 'node:net'
import { describe, it } from 'node:test'
import {
  aWhile,
  childrenOf,
  filesIn,
  isRoot,
  NO_LIVE,
  PARALLEL,
  readSnapshot,
  start,
  testedNodeMajor,
  until,
  VISITS,
} from './helpers.mjs'

const LINGERING = { fault: 'live-linger' }
const CAPTURE = `${VISITS}
  visit(1000)
  const aborting = new AbortController()
  const capture = (options) => heapdump.writeSnapshotAsync({ live: 'require', ...options })
    .then((info) => ({ info }), ({ code, message }) => ({ failure: { code, message } }))`

/** The one child, once it has come to rest in its fault. */
async function childOf(parent) {
  const pid = await parent.until(() => childrenOf(parent.pid)[0], 'a child')
  await parent.until(() => field(pid, 'Seccomp') === '2', 'a child that is confined')
  return pid
}

function field(pid, name) {
  return new RegExp(`^${name}:\\s*(.*)$`, 'm').exec(fs.readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
}

describe('the child of a live capture', { ...PARALLEL, skip: NO_LIVE }, () => {
  it('is confined, hears no signal, dumps no core, and is the first to go', async () => {
    const parent = start(`${CAPTURE}; process.on('SIGTERM', () => say('heard')); capture()`, LINGERING)
    const child = await childOf(parent)
    assert.equal(field(child, 'Seccomp'), '2')
    assert.equal(field(child, 'NoNewPrivs'), '1')
    // All but SIGKILL, SIGSTOP, two that the C library keeps for itself, and SIGSYS, by which the kernel's filter tells.
    assert.equal(field(child, 'SigBlk'), 'fffffffe3ffbfeff')
    assert.equal(fs.readFileSync(`/proc/${child}/oom_score_adj`, 'utf8').trim(), '1000')
    assert.match(fs.readFileSync(`/proc/${child}/limits`, 'utf8'), /^Max core file size +0 +0 /m)
    for (const signal of ['SIGTERM', 'SIGSYS']) process.kill(child, signal)
    await aWhile()
    assert.deepEqual(childrenOf(parent.pid), [child])
    assert.deepEqual(parent.said, [], 'the parent did not hear it either')
    parent.kill('SIGKILL')
  })

  it('has no descriptor but its file', { skip: !isRoot && 'only root may look' }, async () => {
    const parent = start(`${CAPTURE}; require('net').createServer().listen(0); capture()`, LINGERING)
    const child = await childOf(parent)
    const open = fs.readdirSync(`/proc/${child}/fd`).map((fd) => fs.readlinkSync(`/proc/${child}/fd/${fd}`))
    const others = open.filter((name) => name !== '/dev/null')
    assert.equal(others.length, 1, others.join())
    assert.match(others[0], /\(deleted\)$/)
    assert.ok(open.length >= 3)
    parent.kill('SIGKILL')
  })

  it('keeps no connection open', async () => {
    const parent = start(
      `${CAPTURE}
      const server = require('net').createServer((socket) => {
        capture()
        process.stdin.once('data', () => socket.destroy())
      })
      server.listen(0, '127.0.0.1', () => say(server.address().port))`,
      LINGERING,
    )
    const client = net.connect(await parent.next(), '127.0.0.1')
    let ended = false
    client.on('close', () => {
      ended = true
    })
    client.on('error', () => {})
    client.resume()
    const child = await childOf(parent)
    assert.equal(ended, false)
    parent.stdin.write('now\n')
    await until(() => ended, 'the end of the connection')
    assert.deepEqual(childrenOf(parent.pid), [child], 'the child is still there')
    parent.kill('SIGKILL')
  })

  it('keeps no port', async () => {
    const parent = start(
      `${CAPTURE}
      const server = require('net').createServer()
      server.listen(0, '127.0.0.1', () => {
        capture()
        process.stdin.once('data', () => server.close(() => say('closed')))
        say(server.address().port)
      })`,
      LINGERING,
    )
    const port = await parent.next()
    const child = await childOf(parent)
    parent.stdin.write('now\n')
    await parent.says('closed')
    const server = net.createServer()
    await new Promise((resolve, reject) => server.once('error', reject).listen(port, '127.0.0.1', resolve))
    server.close()
    assert.deepEqual(childrenOf(parent.pid), [child], 'the child is still there')
    parent.kill('SIGKILL')
  })

  it('dies with its parent, and leaves no file', async () => {
    const parent = start(`${CAPTURE}; capture()`, LINGERING)
    const child = await childOf(parent)
    parent.kill('SIGKILL')
    await until(() => !fs.existsSync(`/proc/${child}`), 'the end of the child')
    assert.deepEqual(filesIn(parent.directory), [])
  })

  it('leaves the marks of the heap as they were, so that the application forks cheaply', {
    skip: testedNodeMajor() < 18 && 'Node 16 marks nothing',
  }, async () => {
    const parent = start(`${CAPTURE}
      const marked = () => require('fs').readFileSync('/proc/self/smaps', 'utf8').match(/^VmFlags:.* dc/gm).length
      heapdump.gc()
      const before = marked()
      capture().then(({ info }) => say({ mode: info.mode, before, after: marked() }))`)
    const { mode, before, after } = await parent.next()
    assert.equal(mode, 'live')
    // V8 maps and unmaps pages all the time: the marks are there, if not to the last one.
    assert.ok(before > 10 && after > before * 0.7, `${before} ranges before, ${after} after`)
  })

  it('is not taken for a child of the application, nor the other way round', async () => {
    const parent = start(`${CAPTURE}
      const { spawn } = require('child_process')
      let signals = 0
      process.on('SIGCHLD', () => signals++)
      const ends = []
      const child = (status) => new Promise((resolve) => {
        spawn('/bin/sh', ['-c', 'exit ' + status]).on('exit', (code) => { ends.push([status, code]); resolve() })
      })
      ;(async () => {
        const capturing = [capture({ filename: 'a' }), capture({ filename: 'b' })]
        for (let status = 0; status < 40; status += 4) {
          await Promise.all([0, 1, 2, 3].map((more) => child(status + more)))
        }
        const outcomes = await Promise.all(capturing)
        say({ ends, signals, outcomes: outcomes.map(({ info, failure }) => info ? info.mode : failure) })
        process.exit()
      })()`)
    const { ends, signals, outcomes } = await parent.next()
    assert.equal(ends.length, 40)
    for (const [status, code] of ends) assert.equal(code, status)
    assert.ok(signals > 0)
    assert.deepEqual(outcomes, ['live', 'live'])
    await parent.endsWell()
    for (const name of ['a', 'b']) readSnapshot(`${parent.directory}/${name}`)
  })

  it('may be reaped by the system, where the application is started like that', async () => {
    const parent = start(`${CAPTURE}; capture().then(say)`, {
      wrapper: ['/bin/sh', '-c', 'trap "" CHLD; exec "$@"', 'sh'],
    })
    const { info } = await parent.next()
    assert.equal(info.mode, 'live')
    readSnapshot(info.path)
  })

  it('runs no handler at the end of a process, and writes nothing to its streams', async () => {
    const parent = start(`${CAPTURE}
      process.on('exit', () => say('exit'))
      const registry = new FinalizationRegistry(() => say('finalized'))
      for (let i = 0; i < 100; i++) registry.register({}, i)
      process.stdout.write('half a line')
      capture().then(({ info }) => { process.stdout.write('\\n'); say(info.mode) })`)
    await parent.says('live')
    await parent.endsWell()
    assert.equal(parent.said.filter((what) => what === 'exit').length, 1)
    assert.equal(parent.stdout.match(/half a line/g).length, 1)
  })
})
