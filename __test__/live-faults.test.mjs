// What can go wrong with a live capture, one fault after the other: what 'prefer' does, what 'require'
// says, and that the process lives on with nothing left behind.

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  childrenOf,
  filesIn,
  NO_LIVE,
  PARALLEL,
  readSnapshot,
  snapshotsIn,
  start,
  VISITS,
  whyNotWorking,
} from './helpers.mjs'

/** Captures as `live` says, tells what came of it, and stays. */
function capturing(live, fault, given = {}) {
  return start(
    `${VISITS}
    visit(2000)
    const told = []
    for (const event of ['snapshot', 'error', 'fallback']) {
      heapdump.on(event, (what) => told.push([event, what.reason || what.code || what.mode]))
    }
    setInterval(() => {}, 1000)
    heapdump.writeSnapshotAsync({ live: '${live}' })
      .then((info) => ({ info }), ({ code, message, errno, hint }) => ({ failure: { code, message, errno, hint } }))
      .then((outcome) => setImmediate(() => say({ ...outcome, told })))
    process.stdin.once('data', () => say({ ok: heapdump.writeSnapshot('after') }))`,
    { fault, ...given },
  )
}

async function stillCaptures(child) {
  assert.deepEqual(childrenOf(child.pid), [], 'no child is left')
  child.stdin.write('again\n')
  assert.deepEqual(await child.next(), { ok: true })
  readSnapshot(`${child.directory}/after`)
  child.kill('SIGKILL')
}

const FALLBACKS = [
  // fault, why, how it is refused
  ['live-wrong-vtable', /V8's platform is not Node's own/, 'ERR_HEAPDUMP_UNSUPPORTED'],
  ['live-no-syscall-files', /\/proc\/self\/task\/\*\/syscall/, 'ERR_HEAPDUMP_UNSUPPORTED'],
  ['live-fork-eagain', /refused to fork: Resource temporarily unavailable/, 'ERR_HEAPDUMP_IO', 'EAGAIN'],
  ['live-fork-enomem', /refused to fork: Cannot allocate memory/, 'ERR_HEAPDUMP_IO', 'ENOMEM'],
  ['live-crash', /the child crashed \(signal 11\)/, 'ERR_HEAPDUMP_ABORTED'],
  ['live-hang,live-hasty', /the child stood still for/, 'ERR_HEAPDUMP_ABORTED'],
  ['live-locked', /the child came upon a lock/, 'ERR_HEAPDUMP_ABORTED'],
  ['live-busy,live-crash,live-hasty', /the child crashed \(signal 11\)/, 'ERR_HEAPDUMP_ABORTED'],
]

describe('live captures with faults', { ...PARALLEL, skip: NO_LIVE }, () => {
  for (const [fault, why, code, errno] of FALLBACKS) {
    it(`${fault}: 'prefer' captures in process, and says why`, async () => {
      const child = capturing('prefer', fault)
      const { info, told } = await child.next()
      assert.equal(info.mode, 'in-process')
      assert.match(info.fallback, why)
      assert.deepEqual(told, [
        ['fallback', info.fallback],
        ['snapshot', 'in-process'],
      ])
      const { provenance } = readSnapshot(info.path)
      assert.deepEqual([provenance.mode, provenance.fallback], ['in-process', info.fallback])
      await stillCaptures(child)
    })

    it(`${fault}: 'require' fails`, async () => {
      const child = capturing('require', fault)
      const { failure, told } = await child.next()
      assert.equal(failure.code, code)
      assert.equal(failure.errno, errno)
      if (!errno) assert.match(failure.message, why)
      assert.deepEqual(told, [['error', code]])
      assert.deepEqual(filesIn(child.directory), [])
      await stillCaptures(child)
    })
  }

  for (const fault of ['live-wrong-vtable', 'live-no-syscall-files']) {
    it(`${fault}: support() tells beforehand`, async () => {
      const child = start(`say(require(ADDON).support().live)`, { fault })
      const { available, detail } = await child.next()
      assert.equal(available, false)
      assert.match(detail, FALLBACKS.find(([name]) => name === fault)[1])
    })
  }

  for (const fault of ['live-crash-once', 'live-hang-once,live-hasty', 'live-locked-twice', 'live-busy,live-hasty']) {
    it(`${fault}: a child is made all the same`, async () => {
      const child = capturing('require', fault)
      const { info, told } = await child.next()
      assert.equal(info.mode, 'live')
      assert.deepEqual(told, [['snapshot', 'live']])
      assert.equal(readSnapshot(info.path).idsOf('Visit').length, 2000)
      await stillCaptures(child)
    })
  }

  for (const live of ['prefer', 'require']) {
    for (const [fault, what] of [
      ['live-oom', /the child was killed/],
      ['live-memory-low,live-linger', /memory ran short/],
    ]) {
      it(`${fault}: '${live}' does not try again, since memory would run out again`, async () => {
        const child = capturing(live, fault)
        const { failure, told } = await child.next()
        assert.equal(failure.code, 'ERR_HEAPDUMP_MEMORY')
        assert.match(failure.message, what)
        assert.deepEqual(told, [['error', 'ERR_HEAPDUMP_MEMORY']])
        assert.deepEqual(filesIn(child.directory), [])
        await stillCaptures(child)
      })
    }
  }

  it('memory-low: no child is made', async () => {
    const child = capturing('prefer', 'memory-low,live-linger')
    const { failure } = await child.next()
    assert.equal(failure.code, 'ERR_HEAPDUMP_MEMORY')
    assert.match(failure.message, /counting the objects of the heap needs about/)
    assert.deepEqual(childrenOf(child.pid), [])
    child.kill('SIGKILL')
  })

  it("no-v8-symbols: 'prefer' leaves it to node:v8", async () => {
    const child = capturing('prefer', 'no-v8-symbols')
    const { info } = await child.next()
    assert.equal(info.mode, 'portable')
    assert.match(info.fallback, /V8's functions are not to be found/)
    assert.equal(readSnapshot(info.path).provenance.fallback, info.fallback)
    child.kill('SIGKILL')
  })

  it("no-v8-symbols: 'require' fails", async () => {
    const child = capturing('require', 'no-v8-symbols')
    const { failure } = await child.next()
    assert.equal(failure.code, 'ERR_HEAPDUMP_UNSUPPORTED')
    child.kill('SIGKILL')
  })

  for (const live of ['prefer', 'require']) {
    it(`a file that grows too large is an error, once ('${live}')`, {
      skip: whyNotWorking('prlimit', ['--version'], 'prlimit'),
    }, async () => {
      const child = capturing(live, undefined, { wrapper: ['prlimit', '--fsize=1000000'] })
      const { failure } = await child.next()
      assert.deepEqual([failure.code, failure.errno], ['ERR_HEAPDUMP_IO', 'EFBIG'])
      assert.deepEqual(snapshotsIn(child.directory), [])
      assert.deepEqual(childrenOf(child.pid), [])
      child.kill('SIGKILL')
    })
  }
})
