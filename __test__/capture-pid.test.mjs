// rs-heapdump capture PID: by the addon, or by Node's inspector, and whom it leaves alone.

import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import fs from 'node:fs'
import net from 'node:net'
import path from 'node:path'
import { after, describe, it } from 'node:test'
import zlib from 'node:zlib'
import {
  Child,
  CLI,
  childrenOf,
  filesIn,
  isRoot,
  makeFifo,
  NO_LIVE,
  NODE,
  PARALLEL,
  parseSnapshot,
  readSnapshot,
  start,
  startCli,
  temporaryDirectory,
  testedNodeMajor,
  testedNodeVersion,
  until,
  whyNotWorking,
} from './helpers.mjs'

const NO_PROC = process.platform !== 'linux' && 'other processes are looked at in /proc'
const IDLE = `setInterval(() => {}, 1000); say('ready')`
const BLOCKED = `say('ready'); for (;;) {}`
const HELD = `class Visit {}; module.visits = Array.from({ length: 50 }, () => new Visit());`
/** Any free port: nothing here meets the inspectors of others. */
const ANY_PORT = ['--inspect-port=0']

/** Runs it, and returns what it answers. */
async function capture(args, options) {
  const child = startCli(['capture', ...args], options)
  const { code } = await child.ended()
  return { code, stdout: child.stdout, stderr: child.stderr, directory: child.directory }
}

/** Runs it with --json, which must end well, and returns the snapshots. */
async function captured(args, options) {
  const { code, stdout, stderr, directory } = await capture([...args, '--json'], options)
  assert.equal(code, 0, stderr)
  const { version, snapshots } = JSON.parse(stdout)
  assert.equal(version, 1)
  return { snapshots, snapshot: snapshots[0], directory, stderr }
}

/** Starts a script that says 'ready', and is left alone then. */
async function started(script, options) {
  const child = start(script, options)
  await child.says('ready')
  return child
}

const withAddon = (script = IDLE, options) => started(`const heapdump = require(ADDON); ${HELD} ${script}`, options)
const without = (script = IDLE, options) => started(`${HELD} ${script}`, { nodeArgs: ANY_PORT, ...options })

function assertFails({ code, stderr, stdout }, errorCode, pattern) {
  assert.equal(code, 2, stderr)
  assert.match(stderr, new RegExp(`\\[${errorCode}\\]`))
  assert.match(stderr, pattern)
  assert.equal(stdout, '')
}

function connects(port) {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1')
    socket.on('connect', () => resolve(true)).on('error', () => resolve(false))
    socket.unref()
    socket.on('connect', () => socket.destroy())
  })
}

/** A FIFO whose reader takes a byte and no more: what writes there stands still, for as long as a test needs. */
function stalledReader() {
  const file = makeFifo(path.join(temporaryDirectory(), 'fifo'))
  const reader = fs.openSync(file, fs.constants.O_RDWR | fs.constants.O_NONBLOCK)
  const hasBytes = () => {
    try {
      return fs.readSync(reader, Buffer.alloc(1)) === 1
    } catch {
      return false // EAGAIN
    }
  }
  return { file, hasBytes }
}

/** The port of the inspector that it has opened. */
async function inspectorPort(child) {
  const [line] = await child.complains(/^Debugger listening on ws:/)
  return Number(/:(\d+)\//.exec(line)[1])
}

describe('capture PID, by the addon', { ...PARALLEL, skip: NO_PROC }, () => {
  it('writes where the process is configured to, and reports what', async () => {
    const child = await withAddon(`heapdump.on('snapshot', (info) => say(info)); ${IDLE}`)
    const { snapshot, stderr } = await captured([child.pid])
    assert.equal(stderr, '')
    assert.equal(path.dirname(snapshot.path), child.directory)
    assert.equal(snapshot.by, 'addon')
    assert.equal(snapshot.pid, child.pid)
    assert.equal(snapshot.mode, 'in-process')
    assert.equal(snapshot.seen_as, null)
    assert.equal(snapshot.bytes, fs.statSync(snapshot.path).size)
    assert.ok(snapshot.pause_ms > 0 && snapshot.duration_ms >= snapshot.pause_ms)
    const { nodeCount, provenance } = readSnapshot(snapshot.path)
    assert.equal(snapshot.nodes, nodeCount)
    assert.equal(provenance.trigger, 'capture')
    // Who listens in JavaScript is told, too; and so is who reads the log.
    const info = await child.next()
    assert.equal(info.path, snapshot.path)
    assert.equal(info.trigger, 'capture')
    await child.complains(/asked for by rs-heapdump capture/)
  })

  it('names the next command on a terminal', async () => {
    const child = await withAddon()
    const { code, stdout } = await capture([child.pid])
    assert.equal(code, 0)
    assert.match(stdout, /heapdump-\d+\.\d{6}\.heapsnapshot\n.* nodes, pause .*, by the addon, in-process\n/)
    assert.match(stdout, /\nnext: rs-heapdump summary \/.*\.heapsnapshot\n$/)
  })

  it('reaches JavaScript that never returns', async () => {
    const child = await withAddon(BLOCKED)
    const { snapshot } = await captured([child.pid])
    assert.equal(readSnapshot(snapshot.path).idsOf('Visit').length, 50)
  })

  it('captures live', { skip: NO_LIVE }, async () => {
    const child = await withAddon()
    const { snapshot } = await captured([child.pid, '--live=require'])
    assert.equal(snapshot.mode, 'live')
    assert.equal(readSnapshot(snapshot.path).provenance.mode, 'live')
  })

  it('takes names as the caller means them', async () => {
    const child = await withAddon()
    const cwd = temporaryDirectory()
    fs.mkdirSync(path.join(cwd, 'dumps'))
    const one = await captured([child.pid, '-o', 'one.heapsnapshot'], { cwd })
    assert.equal(one.snapshot.path, path.join(cwd, 'one.heapsnapshot'))
    const other = await captured([child.pid, '--dir', 'dumps'], { cwd })
    assert.equal(path.dirname(other.snapshot.path), path.join(cwd, 'dumps'))
    assert.deepEqual(filesIn(child.directory), [])
  })

  it('compresses as the name says, or the option', async () => {
    const child = await withAddon()
    const named = await captured([child.pid, '-o', 'a.heapsnapshot.gz'])
    assert.deepEqual([...fs.readFileSync(named.snapshot.path).subarray(0, 2)], [0x1f, 0x8b])
    const { snapshot } = await captured([child.pid, '--compress'])
    assert.match(snapshot.path, /\.heapsnapshot\.zst$/)
    assert.deepEqual([...fs.readFileSync(snapshot.path).subarray(0, 4)], [0x28, 0xb5, 0x2f, 0xfd])
  })

  it('captures a worker, or all threads', async () => {
    const child = await started(`
      const { Worker, isMainThread, threadId } = require('worker_threads')
      require(ADDON)
      if (isMainThread) new Worker(__filename)
      else say('ready')
      setInterval(() => {}, 1000)`)
    const worker = await captured([child.pid, '--thread', '1'])
    assert.equal(worker.snapshot.thread_id, 1)
    assert.equal(readSnapshot(worker.snapshot.path).provenance.thread_id, 1)
    const { snapshots } = await captured([child.pid, '--thread', 'all'])
    assert.deepEqual(snapshots.map(({ thread_id }) => thread_id).sort(), [0, 1])
    assertFails(await capture([child.pid, '--thread', '7']), 'ERR_HEAPDUMP_ARGUMENT', /hint: these threads have: 0, 1/)
    assertFails(
      await capture([child.pid, '--thread', 'all', '-o', 'x']),
      'ERR_HEAPDUMP_ARGUMENT',
      /hint: name a directory with --dir/,
    )
  })

  it('passes on why there is no snapshot', async () => {
    const child = await withAddon(IDLE, { fault: 'memory-low' })
    assertFails(await capture([child.pid]), 'ERR_HEAPDUMP_MEMORY', /1 MiB|MB|available|left/)
    const missing = await withAddon()
    assertFails(await capture([missing.pid, '-o', '/no/such/file']), 'ERR_HEAPDUMP_IO', /ENOENT.*\/no\/such\/file/)
    assert.equal(missing.end, null)
  })

  it('gives up in time, without a file', async () => {
    const child = await withAddon(IDLE, { fault: 'slow-write' })
    assertFails(await capture([child.pid, '--timeout', '0.2']), 'ERR_HEAPDUMP_TIMEOUT', /longer than the 200 ms/)
    assert.deepEqual(filesIn(child.directory), [])
  })

  it('ends with 130 on Ctrl-C, and the process goes on', async () => {
    const child = await withAddon(`setInterval(() => say('alive'), 100); say('ready')`)
    const { file } = stalledReader()
    const asking = startCli(['capture', child.pid, '-o', file])
    await child.complains(/taking a heap snapshot.* asked for by rs-heapdump capture from pid \d+/)
    asking.kill('SIGINT')
    assert.deepEqual(await asking.ended(), { code: 130, signal: null })
    assert.match(asking.stderr, /ERR_HEAPDUMP_ABORTED/)
    assert.equal(asking.stdout, '')
    await child.complains(/no heap snapshot.*aborted/)
    await child.says('alive')
  })

  it('says that the process ended meanwhile', async () => {
    const child = await withAddon()
    const asking = startCli(['capture', child.pid, '-o', stalledReader().file])
    await child.complains(/taking a heap snapshot/)
    child.kill('SIGKILL')
    assert.equal((await asking.ended()).code, 2)
    assert.match(asking.stderr, /the process ended/)
  })

  it('is not heard where it is switched off, which leaves the inspector', async () => {
    const child = await withAddon(IDLE, { options: 'nocapture', nodeArgs: ANY_PORT })
    const { snapshot } = await captured([child.pid])
    assert.equal(snapshot.by, 'inspector')
  })

  it('keeps no process alive', async () => {
    const child = start(`require(ADDON); say('ready')`)
    await child.endsWell()
  })

  const asNobody = isRoot && spawnSync(NODE, [CLI, '--version'], { uid: 65534, cwd: '/' }).status === 0
  it('is not heard by other users', {
    skip: !asNobody && 'needs root, and a checkout that others can read',
  }, async () => {
    const child = await withAddon()
    const { status, stderr } = spawnSync(NODE, [CLI, 'capture', `${child.pid}`], {
      uid: 65534,
      cwd: '/',
      encoding: 'utf8',
    })
    assert.equal(status, 2)
    assert.match(stderr, /EPERM|belongs to user/)
    // Nor do they get further by going to the socket themselves.
    const name = fs
      .readFileSync('/proc/net/unix', 'utf8')
      .split('\n')
      .map((line) => line.split(' ').pop())
      .find((name) => name.startsWith(`@rs-heapdump/1/${child.pid}/`))
    const script = `
      import socket, sys
      s = socket.socket(socket.AF_UNIX)
      s.connect(b'\\0' + sys.argv[1][1:].encode())
      s.sendall(b'{"ask":"capture"}\\n')
      print(s.makefile().read())`
    const python = spawnSync('python3', ['-c', script.replace(/^ {6}/gm, ''), name], { uid: 65534, encoding: 'utf8' })
    if (python.status === 0) assert.match(python.stdout, /EPERM: the process belongs to user 0/)
    assert.equal(child.end, null)
    assert.deepEqual(filesIn(child.directory), [])
  })
})

describe('capture PID, by the inspector', { ...PARALLEL, skip: NO_PROC }, () => {
  it('opens it, streams the snapshot, and closes it', async () => {
    const child = await without(`process.on('exit', () => say('bye')); ${IDLE}`)
    const { snapshot, directory } = await captured([child.pid])
    assert.equal(snapshot.by, 'inspector')
    assert.equal(path.dirname(snapshot.path), directory)
    assert.equal(fs.statSync(snapshot.path).mode & 0o777, 0o600)
    const { provenance, nodeCount } = readSnapshot(snapshot.path)
    assert.equal(readSnapshot(snapshot.path).idsOf('Visit').length, 50)
    assert.equal(snapshot.nodes, nodeCount)
    assert.equal(provenance.pid, child.pid)
    assert.equal(provenance.mode, 'inspector')
    assert.equal(provenance.trigger, 'capture')
    const port = await inspectorPort(child)
    assert.equal(await connects(port), false, 'closed again')
    assert.equal(child.end, null)

    // And again. The identity of the process is the same; ids are not, and say so.
    const again = await captured([child.pid, '-o', 'again.heapsnapshot'])
    const { provenance: later } = readSnapshot(again.snapshot.path)
    assert.equal(later.process_start_time, provenance.process_start_time)
    assert.equal(later.ids, 'unstable')
  })

  it('reaches JavaScript that never returns', async () => {
    const child = await without(BLOCKED)
    const { snapshot } = await captured([child.pid])
    assert.equal(readSnapshot(snapshot.path).idsOf('Visit').length, 50)
    assert.equal(await connects(await inspectorPort(child)), false, 'closed again')
    assert.equal(child.end, null)
  })

  it('compresses while it streams', async () => {
    const child = await without()
    const { snapshot } = await captured([child.pid, '--compress=gzip'])
    assert.match(snapshot.path, /\.heapsnapshot\.gz$/)
    const text = zlib.gunzipSync(fs.readFileSync(snapshot.path)).toString()
    assert.equal(parseSnapshot(text).provenance.mode, 'inspector')
  })

  it('uses one that is open, and leaves it open', async () => {
    const child = await without(IDLE, { nodeArgs: ['--inspect=127.0.0.1:0'] })
    const port = await inspectorPort(child)
    await captured([child.pid])
    assert.equal(await connects(port), true)
    assert.equal(child.complaints(/Debugger listening/).length, 1)
  })

  it('finds one that the program opened somewhere', async () => {
    const child = await without(`require('inspector').open(0, '127.0.0.1'); ${IDLE}`)
    const port = await inspectorPort(child)
    await captured([child.pid])
    assert.equal(await connects(port), true)
  })

  it('refuses what takes the addon, before it touches the process', async () => {
    const child = await without()
    for (const args of [['--live=require'], ['--thread', '1'], ['--no-gc']]) {
      assertFails(await capture([child.pid, ...args]), 'ERR_HEAPDUMP_UNSUPPORTED', /takes the addon/)
    }
    assert.equal(child.stderr, '')
  })

  it('refuses what would not fit into memory, and closes the inspector', async () => {
    const child = await without()
    const env = { RS_HEAPDUMP_FAULT: 'memory-low' }
    assertFails(await capture([child.pid], { env }), 'ERR_HEAPDUMP_MEMORY', /1 MiB are left.*\n.*--no-memory-guard/)
    assert.equal(await connects(await inspectorPort(child)), false)
    await captured([child.pid, '--no-memory-guard'], { env })
  })

  it('closes the inspector when the file cannot be written', async () => {
    const child = await without()
    assertFails(await capture([child.pid, '-o', '/dev/full']), 'ERR_HEAPDUMP_IO', /ENOSPC/)
    assert.equal(await connects(await inspectorPort(child)), false)
    assertFails(await capture([child.pid, '-o', '/no/such/file']), 'ERR_HEAPDUMP_IO', /ENOENT/)
    assert.equal(child.complaints(/Debugger listening/).length, 1, 'a wrong name costs the process nothing')
  })

  it('ends with 130 on Ctrl-C, with the inspector closed', async () => {
    const child = await without(`setInterval(() => say('alive'), 100); say('ready')`)
    const { file, hasBytes } = stalledReader()
    const asking = startCli(['capture', child.pid, '-o', file])
    await asking.until(hasBytes, 'the snapshot to begin')
    asking.kill('SIGINT')
    assert.deepEqual(await asking.ended(), { code: 130, signal: null })
    assert.match(asking.stderr, /ERR_HEAPDUMP_ABORTED/)
    assert.equal(await connects(await inspectorPort(child)), false)
    await child.says('alive')
  })

  it('closes an inspector that opens a little too late', async () => {
    const wait = `require('child_process').execFileSync('sleep', ['1.5'])`
    const child = await without(`setTimeout(() => ${wait}, 100); setInterval(() => {}, 1000); say('ready')`)
    await new Promise((resolve) => setTimeout(resolve, 300))
    const failed = await capture([child.pid, '--timeout', '0.2'])
    assertFails(failed, 'ERR_HEAPDUMP_TIMEOUT', /./)
    assert.doesNotMatch(failed.stderr, /SIGUSR1 was sent/)
    assert.equal(await connects(await inspectorPort(child)), false)
  })

  it('closes one that Node would open again when the event loop turns', async () => {
    const wait = 'Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 3000)'
    const child = await without(
      `setTimeout(() => { ${wait}; setTimeout(() => say('turned'), 500) }, 100); setInterval(() => {}, 1000); say('ready')`,
    )
    await new Promise((resolve) => setTimeout(resolve, 300))
    await capture([child.pid, '--timeout', '0.2'])
    await child.says('turned')
    assert.equal(await connects(await inspectorPort(child)), false)
  })

  it('tells of an inspector that may open much later', async () => {
    const wait = `require('child_process').execFileSync('sleep', ['8'])`
    const child = await without(`setTimeout(() => ${wait}, 100); say('ready')`)
    await new Promise((resolve) => setTimeout(resolve, 300))
    const hint = new RegExp(`SIGUSR1 was sent.*doctor ${child.pid}.*_debugEnd`)
    assertFails(await capture([child.pid, '--timeout', '0.2']), 'ERR_HEAPDUMP_TIMEOUT', hint)
    child.kill('SIGKILL')
  })

  it('says who has the port, and sends nothing', async () => {
    const server = net.createServer(() => {})
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
    after(() => server.close())
    const { port } = server.address()
    const child = await without(IDLE, { nodeArgs: [`--inspect-port=${port}`] })
    const taken = new RegExp(`port ${port}.* is taken by process ${process.pid} .*\\n.*--inspect-port=0`)
    assertFails(await capture([child.pid]), 'ERR_HEAPDUMP_BUSY', taken)
    assert.equal(child.stderr, '')
    assert.equal(child.end, null)
  })
})

describe('capture PID leaves alone', { ...PARALLEL, skip: NO_PROC }, () => {
  const disabled = testedNodeMajor() < 22 && 'this Node has no --disable-sigusr1'
  it('a Node that SIGUSR1 would kill', { skip: disabled }, async () => {
    const child = await without(`setInterval(() => say('alive'), 100); say('ready')`, {
      nodeArgs: ['--disable-sigusr1'],
    })
    assertFails(await capture([child.pid]), 'ERR_HEAPDUMP_UNSUPPORTED', /--disable-sigusr1/)
    await child.says('alive')
  })

  it('what is not Node', async () => {
    const child = new Child('sleep', ['60'], { cwd: '/', env: process.env })
    assertFails(await capture([child.pid]), 'ERR_HEAPDUMP_UNSUPPORTED', /\(sleep\) is not Node/)
    assert.equal(child.end, null)
    child.kill('SIGKILL')
  })

  it('what is not there', async () => {
    const child = new Child('true', [], { cwd: '/', env: process.env })
    await child.ended()
    assertFails(await capture([child.pid]), 'ERR_HEAPDUMP_IO', /ESRCH: there is no process/)
  })

  it('a thread', async () => {
    const child = await without()
    const thread = fs.readdirSync(`/proc/${child.pid}/task`).find((id) => Number(id) !== child.pid)
    const hint = new RegExp(`is a thread of process ${child.pid}\\b`)
    assertFails(await capture([thread]), 'ERR_HEAPDUMP_ARGUMENT', hint)
  })
})

const CONTAINER = ['unshare', '--mount', '--net', '--pid', '--fork', '--mount-proc', '--kill-child']
const NO_CONTAINER =
  NO_PROC || (!isRoot && 'needs root') || whyNotWorking(CONTAINER[0], [...CONTAINER.slice(1), 'true'], 'unshare')

describe('capture PID, in a container', { ...PARALLEL, skip: NO_CONTAINER }, () => {
  /** Starts a script with mounts, network and pids of its own; answers with its pid here. */
  async function contained(script, options) {
    // A network of its own begins without a loopback that is up.
    const up = `
      import fcntl, socket, struct
      s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
      fcntl.ioctl(s, 0x8914, struct.pack('16sh22x', b'lo', 0x49))`.replace(/^ {6}/gm, '')
    const wrapper = [...CONTAINER, 'sh', '-c', `python3 -c "$0"; mount -t tmpfs tmpfs /mnt; cd /mnt; exec "$@"`, up]
    const child = await started(script, { wrapper, ...options })
    const [pid] = await until(() => childrenOf(child.pid), 'the process in the container')
    return { child, pid }
  }

  it('is captured by its addon, and the file is named as seen from here', async () => {
    const { child, pid } = await contained(`require(ADDON); ${HELD} ${IDLE}`)
    const { snapshot } = await captured([pid])
    assert.equal(snapshot.by, 'addon')
    assert.equal(path.dirname(snapshot.path), '/mnt')
    assert.equal(snapshot.seen_as, `/proc/${pid}/root${snapshot.path}`)
    assert.equal(readSnapshot(snapshot.seen_as).provenance.pid, 1)
    child.kill('SIGKILL')
  })

  const noPython = whyNotWorking('python3', ['-c', 'import fcntl'], 'python3')
  it('is captured by its inspector, into a file here', { skip: noPython }, async () => {
    const { child, pid } = await contained(`${HELD} ${IDLE}`, { nodeArgs: ANY_PORT })
    const { snapshot, directory } = await captured([pid, '-o', 'here.heapsnapshot'])
    assert.equal(snapshot.by, 'inspector')
    assert.equal(snapshot.path, path.join(directory, 'here.heapsnapshot'))
    assert.equal(readSnapshot(snapshot.path).provenance.pid, 1)
    child.kill('SIGKILL')
  })
})

describe('capture', { ...PARALLEL, skip: NO_PROC }, () => {
  it('lists the Node processes of this machine', async () => {
    const one = await withAddon()
    const other = await without()
    const { code, stdout } = await capture(['--json'])
    assert.equal(code, 0)
    const { processes } = JSON.parse(stdout)
    const of = (child) => processes.find(({ pid }) => pid === child.pid)
    assert.equal(of(one).addon, 'listening')
    assert.equal(of(other).addon, 'missing')
    assert.equal(of(one).node_version, testedNodeVersion())
    assert.match(of(one).script, /script\.cjs$/)
    assert.ok(of(one).rss_bytes > 10 << 20)
    assert.equal(of(one).user, execFileSync('id', ['-un'], { encoding: 'utf8' }).trim())
    assert.equal(of(one).own_pid, null)
    const text = (await capture([])).stdout
    assert.match(text, new RegExp(`^ *${one.pid} .* yes .*script\\.cjs$`, 'm'))
    assert.match(text, /\nnext: rs-heapdump capture \d+\n$/)
  })
})
