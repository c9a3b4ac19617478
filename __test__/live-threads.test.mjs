// Live captures of threads whose event loop does not turn, and of workers.

import assert from 'node:assert/strict'
import fs from 'node:fs'
import { describe, it } from 'node:test'
import { childrenOf, filesIn, NO_LIVE, PARALLEL, readSnapshot, start, VISITS } from './helpers.mjs'

const BLOCKED = {
  'for (;;) {}': 'for (;;) {}',
  'JSON.parse': `for (;;) JSON.parse('{"a":[1,2,3]}')`,
  allocation: 'for (;;) { const kept = []; for (let i = 0; i < 1e5; i++) kept.push({ i }) }',
  'Atomics.wait': 'Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)',
}

/** Runs in a worker: `parentPort.postMessage` says. */
const worker = (script) =>
  `new (require('worker_threads').Worker)(${JSON.stringify(script)}.replace('ADDON', JSON.stringify(ADDON)), { eval: true })`

describe('live captures of threads', { ...PARALLEL, skip: NO_LIVE }, () => {
  for (const [name, blocked] of Object.entries(BLOCKED)) {
    it(`a signal reaches a loop that is blocked by ${name}`, async () => {
      const child = start(`${VISITS}; visit(1000); say('ready'); setImmediate(() => { ${blocked} })`, {
        options: 'live=require',
      })
      await child.says('ready')
      for (const count of [1, 2]) {
        child.kill('SIGUSR2')
        await child.snapshots(count)
      }
      for (const file of await child.snapshots(2)) {
        const snapshot = readSnapshot(file)
        assert.equal(snapshot.provenance.mode, 'live')
        assert.equal(snapshot.idsOf('Visit').length, 1000)
      }
      child.kill('SIGKILL')
    })
  }

  it('a capture that was asked for before the loop blocks is made', async () => {
    const child = start(`${VISITS}; visit(1000)
      heapdump.writeSnapshotAsync({ filename: 'here', live: 'require' }).then(({ mode, pauseMs }) => say({ mode, pauseMs }))
      while (!require('fs').existsSync('here')) {}
      say('blocked until the file was whole')`)
    await child.says('blocked until the file was whole')
    const { mode } = await child.next()
    assert.equal(mode, 'live')
    readSnapshot(`${child.directory}/here`)
  })

  it('falls back from a blocked loop as well', async () => {
    const child = start(`${VISITS}; visit(1000); say('ready'); setImmediate(() => { for (;;) {} })`, {
      options: 'live',
      fault: 'live-crash',
    })
    await child.says('ready')
    child.kill('SIGUSR2')
    const [file] = await child.snapshots()
    const { provenance } = readSnapshot(file)
    assert.equal(provenance.mode, 'in-process')
    assert.match(provenance.fallback, /crashed/)
    await child.complains(/not live: the child crashed/)
    child.kill('SIGKILL')
  })

  it('a worker captures itself, while it and the main thread go on', async () => {
    const child = start(`
      let ticks = 0
      setInterval(() => ticks++, 1).unref()
      ${worker(`
        const { parentPort, threadId } = require('worker_threads')
        const heapdump = require(ADDON)
        class Inside {}
        globalThis.kept = Array.from({ length: 500 }, () => new Inside())
        heapdump.writeSnapshotAsync({ live: 'require' }).then(
          (info) => parentPort.postMessage({ info, threadId }), (error) => parentPort.postMessage({ message: error.message }))
      `)}.on('message', (message) => say({ ...message, ticks }))`)
    const { info, threadId, ticks } = await child.next()
    assert.deepEqual([info?.mode, info?.threadId], ['live', threadId])
    assert.ok(ticks > 3)
    const snapshot = readSnapshot(info.path)
    assert.equal(snapshot.idsOf('Inside').length, 500)
    assert.equal(snapshot.provenance.thread_id, threadId)
    await child.endsWell()
  })

  it('a signal covers all threads, busy ones too', async () => {
    const child = start(
      `require(ADDON)
      const script = "require(ADDON); require('worker_threads').parentPort.postMessage('up'); for (;;) { const kept = []; for (let i = 0; i < 1e4; i++) kept.push({ i }) }"
      let up = 0
      for (let i = 0; i < 2; i++) {
        new (require('worker_threads').Worker)(script.replace('ADDON', JSON.stringify(ADDON)), { eval: true })
          .on('message', () => { if (++up === 2) say('ready') })
      }`,
      { options: 'live=require,threads=all' },
    )
    await child.says('ready')
    child.kill('SIGUSR2')
    const modes = (await child.snapshots(3)).map((file) => readSnapshot(file).provenance)
    assert.deepEqual(
      modes.map(({ mode, thread_id: thread }) => [mode, thread]).sort((a, b) => a[1] - b[1]),
      [
        ['live', 0],
        ['live', 1],
        ['live', 2],
      ],
    )
    child.kill('SIGKILL')
  })

  it('a worker that is terminated leaves no child, no file, and a process that goes on', async () => {
    const child = start(
      `const inside = ${worker(`
        require(ADDON).writeSnapshotAsync({ live: 'require' }).catch(() => {})
        setInterval(() => {}, 1000)
      `)}
      process.stdin.once('data', () => inside.terminate().then(() => say('terminated')))
      setInterval(() => {}, 1000)`,
      { fault: 'live-linger' },
    )
    await child.until(() => childrenOf(child.pid).length === 1, 'a child')
    child.stdin.write('now\n')
    await child.says('terminated')
    await child.until(() => childrenOf(child.pid).length === 0, 'the end of its child')
    assert.deepEqual(filesIn(child.directory), [])
    assert.equal(child.end, null)
    assert.ok(fs.existsSync(`/proc/${child.pid}`))
    child.kill('SIGKILL')
  })
})
