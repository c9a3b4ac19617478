// A file that will not fit is refused before the thread stands still for it, with the figures and what to do.

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { filesIn, NO_LIVE, PARALLEL, run, start } from './helpers.mjs'

/** Takes a snapshot of a heap of so many objects, and says what came of it. */
const attempt = (objects, options) => `
  const heapdump = require(ADDON)
  globalThis.kept = Array.from({ length: ${objects} }, function (_, i) { return { i: i } })
  heapdump.writeSnapshotAsync(${options}).then(
    function (info) { say('written') },
    function (err) { say(Object.assign({ message: err.message }, err)) })`

function checkRefusal(error) {
  assert.equal(error.code, 'ERR_HEAPDUMP_IO')
  assert.equal(error.errno, 'ENOSPC')
  assert.equal(error.syscall, 'statvfs')
  assert.equal(error.limit, 'disk')
  assert.match(error.path, /heapdump-.*\.heapsnapshot/)
  assert.ok(error.neededBytes > error.availableBytes, JSON.stringify(error))
  assert.match(error.message, /^ENOSPC: no space left on device, .* needs about .* are free, statvfs '/)
  assert.match(error.hint, /another directory.*memoryGuard: false/s)
}

const ENGINES = {
  'in process': { options: '', skip: false },
  live: { options: `live: 'require'`, skip: NO_LIVE },
}

for (const [engine, { options, skip }] of Object.entries(ENGINES)) {
  describe(`${engine}, a disk`, { ...PARALLEL, skip }, () => {
    it('that is full: ENOSPC, and nothing is left', async () => {
      const child = await run(attempt(0, `{ ${options} }`), { fault: 'disk-full' })
      checkRefusal(child.said[0])
      assert.deepEqual(filesIn(child.directory), [])
    })

    it('that has too little room for this heap: ENOSPC; compressed it fits', async () => {
      const plain = await run(attempt(100_000, `{ ${options} }`), { fault: 'disk-tight' })
      checkRefusal(plain.said[0])
      assert.match(plain.said[0].message, /a heap snapshot of \d+ objects/)
      assert.match(plain.said[0].hint, /compress: 'zstd'/)
      assert.deepEqual(filesIn(plain.directory), [])
      const zstd = await run(attempt(10_000, `{ compress: 'zstd', ${options} }`), { fault: 'disk-tight' })
      assert.deepEqual(zstd.said, ['written'])
    })

    it('is not asked with memoryGuard: false', async () => {
      const child = await run(attempt(100_000, `{ memoryGuard: false, ${options} }`), { fault: 'disk-tight' })
      assert.deepEqual(child.said, ['written'])
    })

    it('is not asked about a stream', async () => {
      const child = await run(attempt(0, `{ filename: '/dev/null', ${options} }`), { fault: 'disk-full' })
      assert.deepEqual(child.said, ['written'])
    })
  })
}

describe('a full disk', PARALLEL, () => {
  it('of the portable engine: ENOSPC, and nothing is left', async () => {
    const child = await run(attempt(0, '{}'), { fault: 'no-v8-symbols,disk-full' })
    checkRefusal(child.said[0])
    assert.deepEqual(filesIn(child.directory), [])
  })

  it('of the synchronous form: as heapdump says it', async () => {
    const child = await run(
      `require(ADDON).writeSnapshot(function (err) { say([err.message, err.errno, err.limit]) })`,
      { fault: 'disk-full' },
    )
    assert.deepEqual(child.said, [['heapdump write error ENOSPC', 'ENOSPC', 'disk']])
  })

  it('by signal: one line, an event, and the process goes on', async () => {
    const child = start(
      `
      const heapdump = require(ADDON)
      heapdump.on('error', function (err) { say([err.code, err.errno]) })
      setInterval(function () {}, 1000)
      say('ready')`,
      { fault: 'disk-full' },
    )
    await child.says('ready')
    child.kill('SIGUSR2')
    assert.deepEqual(await child.next(), ['ERR_HEAPDUMP_IO', 'ENOSPC'])
    await child.complains(/no heap snapshot of pid \d+: ENOSPC.*compress: 'zstd'/)
    child.kill('SIGKILL')
    await child.ended()
    assert.deepEqual(filesIn(child.directory), [])
  })
})
