// Live captures: a child takes the snapshot while the process goes on.

import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import { describe, it } from 'node:test'
import {
  answer,
  childrenOf,
  filesIn,
  makeFifo,
  NO_LIVE,
  PARALLEL,
  readSnapshot,
  snapshotsIn,
  start,
  temporaryDirectory,
  VISITS,
} from './helpers.mjs'

const CAPTURE = `${VISITS}
  visit(5000)
  const tell = (promise) => promise.then(
    (info) => say({ info }),
    ({ code, message, errno, hint }) => say({ failure: { code, message, errno, hint } }))`

describe('a live capture', { ...PARALLEL, skip: NO_LIVE }, () => {
  it('goes on beside the event loop, and gives a whole file', async () => {
    const child = start(`${CAPTURE}
      let ticks = 0
      const ticking = setInterval(() => ticks++, 1)
      const phases = []
      heapdump.writeSnapshotAsync({ live: 'require', onProgress: ({ phase }) => phases.push([phase, ticks]) })
        .then((info) => { clearInterval(ticking); say({ info, phases, ticks }) })`)
    const { info, phases, ticks } = await child.next()
    assert.equal(info.mode, 'live')
    assert.equal(info.fallback, undefined)
    assert.ok(info.pauseMs < info.durationMs, `${info.pauseMs} of ${info.durationMs} ms`)
    assert.deepEqual(
      phases.map(([phase]) => phase),
      ['capture', 'write', 'done'],
    )
    assert.ok(ticks > 3, `${ticks} ticks meanwhile`)
    await child.endsWell()

    const snapshot = readSnapshot(info.path)
    assert.equal(snapshot.idsOf('Visit').length, 5000)
    assert.equal(snapshot.nodeCount, info.nodes)
    assert.equal(snapshot.edgeCount, info.edges)
    assert.equal(fs.statSync(info.path).size, info.bytes)
    assert.equal(fs.statSync(info.path).mode & 0o777, 0o600)
    assert.equal(snapshot.provenance.mode, 'live')
    assert.equal(snapshot.provenance.pid, info.pid, 'of the process, not of the child')
    assert.deepEqual(filesIn(child.directory), [path.basename(info.path)])
  })

  for (const [live, mode] of [
    [true, 'live'],
    ['prefer', 'live'],
    ['require', 'live'],
    [false, 'in-process'],
  ]) {
    it(`is had by live: ${JSON.stringify(live)}`, async () => {
      const { info } = await answer(`${CAPTURE}; tell(heapdump.writeSnapshotAsync({ live: ${JSON.stringify(live)} }))`)
      assert.equal(info.mode, mode)
      assert.equal(readSnapshot(info.path).provenance.mode, mode)
    })
  }

  it('is not what the synchronous form does', async () => {
    const failure = await answer(`
      require(ADDON).writeSnapshot({ live: true }, (error) => say({ code: error.code, message: error.message }))`)
    assert.equal(failure.code, 'ERR_HEAPDUMP_ARGUMENT')
    assert.match(failure.message, /`live` belongs to writeSnapshotAsync/)
  })

  it('refuses other words', async () => {
    const { failure } = await answer(`${CAPTURE}; tell(heapdump.writeSnapshotAsync({ live: 'always' }))`)
    assert.equal(failure.code, 'ERR_HEAPDUMP_ARGUMENT')
  })

  it('is announced by support()', async () => {
    const { live } = await answer(`say(require(ADDON).support())`)
    assert.equal(live.available, true, live.detail)
  })

  for (const [name, before, options] of [
    ['NODE_HEAPDUMP_OPTIONS=live', '', 'live'],
    ['configure({ live })', `require(ADDON).configure({ live: 'require' })`, ''],
  ]) {
    it(`follows a signal with ${name}`, async () => {
      const child = start(`${before}; require(ADDON); setInterval(() => {}, 1000); say('ready')`, { options })
      await child.says('ready')
      child.kill('SIGUSR2')
      await child.complains(/heap snapshot written to/)
      const [file] = await child.snapshots()
      const { provenance } = readSnapshot(file)
      assert.deepEqual([provenance.mode, provenance.trigger], ['live', 'signal'])
      assert.equal(child.complaints(/taking a heap snapshot .* \d+ objects, live, so the process goes on$/).length, 1)
      child.kill('SIGKILL')
    })
  }

  it('is one at a time, and all are made', async () => {
    const child = start(`${CAPTURE}
      Promise.all(['a', 'b', 'c'].map((name) => heapdump.writeSnapshotAsync({ filename: name, live: 'require' })))
        .then((infos) => say(infos.map(({ mode }) => mode)))`)
    let most = 0
    const modes = await Promise.race([
      child.next(),
      child.until(() => {
        most = Math.max(most, childrenOf(child.pid).length)
        return child.end
      }, 'its end'),
    ])
    assert.deepEqual(modes, ['live', 'live', 'live'])
    assert.ok(most <= 1, `${most} children`)
    await child.endsWell()
    assert.deepEqual(filesIn(child.directory), ['a', 'b', 'c'])
    for (const name of ['a', 'b', 'c']) readSnapshot(path.join(child.directory, name))
  })

  it('may go into a FIFO', async () => {
    const directory = temporaryDirectory()
    const fifo = makeFifo(path.join(directory, 'fifo'))
    const child = start(`${CAPTURE}; tell(heapdump.writeSnapshotAsync({ filename: 'fifo', live: 'require' }))`, {
      cwd: directory,
    })
    const text = await fs.promises.readFile(fifo, 'utf8')
    const { info } = await child.next()
    assert.equal(info.mode, 'live')
    assert.equal(text.length > 1e6 && text.trimEnd().endsWith(']}'), true)
    assert.equal(Buffer.byteLength(text), info.bytes)
  })

  it('replaces an existing file only when whole', async () => {
    const directory = temporaryDirectory()
    fs.writeFileSync(path.join(directory, 'taken'), 'before')
    const { info } = await answer(
      `${CAPTURE}; tell(heapdump.writeSnapshotAsync({ filename: 'taken', live: 'require' }))`,
      { cwd: directory },
    )
    readSnapshot(info.path)
  })

  for (const [name, options, code] of [
    ['timeoutMs', 'timeoutMs: 700', 'ERR_HEAPDUMP_TIMEOUT'],
    ['an AbortSignal', 'signal: aborting.signal', 'ERR_HEAPDUMP_ABORTED'],
  ]) {
    it(`is ended by ${name}, with its child`, async () => {
      const child = start(
        `${CAPTURE}
        const aborting = new AbortController()
        process.stdin.once('data', () => { aborting.abort(); process.stdin.destroy() })
        tell(heapdump.writeSnapshotAsync({ live: 'require', ${options} }))`,
        { fault: 'live-linger' },
      )
      await child.until(() => childrenOf(child.pid).length === 1, 'a child')
      child.stdin.write('abort\n')
      const { failure } = await child.next()
      assert.equal(failure.code, code)
      assert.deepEqual(childrenOf(child.pid), [])
      assert.deepEqual(filesIn(child.directory), [])
      child.kill('SIGKILL')
    })
  }

  it('is waited for by a process that exits', async () => {
    const child = start(`${CAPTURE}
      heapdump.configure({ live: 'require', quiet: true })
      process.kill(process.pid, 'SIGUSR2')
      setTimeout(() => process.exit(0), 100)`)
    await child.endsWell()
    for (const name of snapshotsIn(child.directory)) readSnapshot(path.join(child.directory, name))
    assert.ok(filesIn(child.directory).every((name) => name.endsWith('.heapsnapshot')))
  })
})
