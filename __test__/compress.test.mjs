// compress: files are compressed while they are written, by every engine, to every kind of target; nothing else
// changes.

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { describe, it } from 'node:test'
import {
  answer,
  CLI,
  COMPRESSIONS,
  filesIn,
  makeFifo,
  NO_LIVE,
  PARALLEL,
  readSnapshot,
  run,
  start,
  temporaryDirectory,
  VISITS,
} from './helpers.mjs'

/** The first bytes of a file, in hex. */
function magicOf(file, length) {
  return fs.readFileSync(file).subarray(0, length).toString('hex')
}

function checkCompressed(file, { magic }) {
  assert.equal(magicOf(file, magic.length / 2), magic, file)
  return readSnapshot(file)
}

const ENGINES = {
  'in process': {},
  live: { live: 'require', skip: NO_LIVE },
  'through node:v8': { fault: 'no-v8-symbols' },
}

for (const [compress, compression] of Object.entries(COMPRESSIONS)) {
  describe(`compress: '${compress}'`, PARALLEL, () => {
    const name = new RegExp(`^heapdump-\\d+\\.\\d{6}\\.heapsnapshot\\${compression.suffix}$`)

    for (const [engine, { live = false, fault, skip = false }] of Object.entries(ENGINES)) {
      it(`${engine}: a whole file under its default name, and its size in the figures`, { skip }, async () => {
        const child = await run(
          `${VISITS}
          visit(1000)
          heapdump.writeSnapshotAsync({ compress: '${compress}', live: ${JSON.stringify(live)} }).then(say)`,
          { fault },
        )
        const [file] = filesIn(child.directory)
        assert.match(file, name)
        const snapshot = checkCompressed(path.join(child.directory, file), compression)
        assert.equal(snapshot.idsOf('Visit').length, 1000)
        const [info] = child.said
        assert.equal(info.path, path.join(child.directory, file))
        assert.equal(info.bytes, fs.statSync(info.path).size)
        assert.deepEqual([info.nodes, info.edges], [snapshot.nodeCount, snapshot.edgeCount])
        assert.equal(snapshot.provenance.mode, info.mode)
      })
    }

    it('in a worker, and of the synchronous form', async () => {
      const child = await run(`
        const { Worker } = require('worker_threads')
        const heapdump = require(ADDON)
        heapdump.writeSnapshot({ compress: '${compress}' }, function (err, name) { say([err, name]) })
        new Worker("require(process.env.ADDON).writeSnapshot({ compress: '${compress}' })",
          { eval: true, env: { ADDON: ADDON } })`)
      const names = filesIn(child.directory)
      assert.deepEqual(child.said[0], [null, names[0]])
      assert.match(names[0], name)
      assert.match(names[1], new RegExp(`-thread\\d+\\.heapsnapshot\\${compression.suffix}$`))
      for (const file of names) checkCompressed(path.join(child.directory, file), compression)
    })

    it('by signal, by configure and by the environment', async () => {
      const cases = [
        ['', { options: `compress=${compress}` }],
        [`heapdump.configure({ compress: '${compress}' })`, {}],
        [`heapdump.configure({ compress: '${compress}' })`, { options: 'compress=gzip,compress=zstd' }],
      ]
      for (const [before, options] of cases) {
        const child = start(
          `const heapdump = require(ADDON); ${before}
          setInterval(function () {}, 1000); say('ready')`,
          options,
        )
        await child.says('ready')
        child.kill('SIGUSR2')
        await child.complains(/written to/)
        assert.match(filesIn(child.directory)[0], name)
        checkCompressed(path.join(child.directory, filesIn(child.directory)[0]), compression)
        child.kill('SIGKILL')
        await child.ended()
      }
    })

    for (const live of [false, 'require']) {
      it(`to a FIFO${live ? ', live' : ''}: it carries the compressed snapshot whole`, {
        skip: live && NO_LIVE,
      }, async () => {
        const directory = temporaryDirectory()
        makeFifo(path.join(directory, 'fifo'))
        const child = start(
          `require(ADDON).writeSnapshotAsync({ filename: 'fifo', compress: '${compress}', live: ${JSON.stringify(live)} })
            .then(function (info) { say(info.bytes) })`,
          { cwd: directory, wrapper: ['sh', '-c', 'cat fifo > piped & "$0" "$@"; wait'] },
        )
        await child.endsWell()
        const piped = path.join(directory, 'piped')
        checkCompressed(piped, compression)
        assert.deepEqual(child.said, [fs.statSync(piped).size])
      })
    }

    it('to stdout: whole', async () => {
      const child = await run(`require(ADDON).writeSnapshot({ filename: '/dev/stdout', compress: '${compress}' })`, {
        wrapper: ['sh', '-c', '"$0" "$@" | cat > piped'],
      })
      checkCompressed(path.join(child.directory, 'piped'), compression)
    })

    it('is what the ending of a name says, unless the call says otherwise', async () => {
      const child = await run(`
        const heapdump = require(ADDON)
        say(heapdump.writeSnapshot('implied${compression.suffix}'))
        say(heapdump.writeSnapshot({ filename: 'plain${compression.suffix}', compress: false }))
        say(heapdump.writeSnapshot({ filename: 'as-given', compress: '${compress}' }))
        say(heapdump.writeSnapshot({ filename: 'plain' }))`)
      assert.deepEqual(child.said, [true, true, true, true])
      const at = (name) => path.join(child.directory, name)
      assert.deepEqual(
        filesIn(child.directory).sort(),
        ['as-given', `implied${compression.suffix}`, 'plain', `plain${compression.suffix}`].sort(),
      )
      for (const file of ['as-given', `implied${compression.suffix}`]) checkCompressed(at(file), compression)
      for (const file of ['plain', `plain${compression.suffix}`]) {
        assert.equal(magicOf(at(file), 2), Buffer.from('{"').toString('hex'))
        readSnapshot(at(file))
      }
    })

    it('is read by every command as it is', async () => {
      const child = await run(`${VISITS}
        heapdump.writeSnapshot({ filename: 'a', compress: '${compress}' })
        visit(2000)
        heapdump.writeSnapshot({ filename: 'b', compress: '${compress}' })
        visit(4000)
        heapdump.writeSnapshot({ filename: 'c', compress: '${compress}' })`)
      const ask = (...args) =>
        execFileSync(process.execPath, [CLI, ...args], { cwd: child.directory, encoding: 'utf8' })
      const info = ask('info', 'a')
      assert.match(info, new RegExp(`compressed with ${compress}`))
      assert.match(info, new RegExp(`pid ${child.pid}`))
      assert.match(ask('summary', 'c', '--filter', 'Visit'), /6,000.*Visit/)
      const diff = JSON.parse(ask('diff', 'a', 'c', '--json'))
      assert.equal(diff.ids, 'comparable')
      assert.equal(diff.classes.find((row) => row.name === 'Visit').added, 6000)
      const leaks = JSON.parse(ask('leaks', 'a', 'b', 'c', '--json'))
      assert.match(leaks.suspects[0].owner, /visits/)
    })

    it('keeps to a time-out and to an abort, and leaves nothing', async () => {
      const child = await run(
        `
        const heapdump = require(ADDON)
        const abort = new AbortController()
        const given = { compress: '${compress}' }
        heapdump.writeSnapshotAsync(Object.assign({ timeoutMs: 1 }, given)).catch(function (err) {
          say(err.code)
          return heapdump.writeSnapshotAsync(Object.assign({ signal: abort.signal, onProgress: function (progress) {
            if (progress.phase === 'write') abort.abort()
          } }, given))
        }).catch(function (err) { say(err.code) })`,
        { fault: 'slow-write' },
      )
      assert.deepEqual(child.said, ['ERR_HEAPDUMP_TIMEOUT', 'ERR_HEAPDUMP_ABORTED'])
      assert.deepEqual(filesIn(child.directory), [])
    })

    it('at the end of the process: the exit waits for the whole file', async () => {
      const child = await run(
        `require(ADDON).writeSnapshotAsync({ compress: '${compress}', onProgress: function (progress) {
          if (progress.phase === 'write') process.exit(0)
        } })`,
        { fault: 'slow-write' },
      )
      assert.equal(filesIn(child.directory).length, 1)
      checkCompressed(path.join(child.directory, filesIn(child.directory)[0]), compression)
    })
  })
}

describe('compress', PARALLEL, () => {
  it('must be one that there is', async () => {
    const said = await answer(`
      const heapdump = require(ADDON)
      const errors = []
      for (const compress of ['brotli', true, 9, null]) {
        heapdump.writeSnapshot({ compress: compress }, function (err) { errors.push([err.code, err.message]) })
      }
      try { heapdump.configure({ compress: 'gz' }) } catch (err) { errors.push([err.code, err.message]) }
      say(errors)`)
    assert.equal(said.length, 5)
    for (const [code, message] of said) {
      assert.equal(code, 'ERR_HEAPDUMP_ARGUMENT')
      assert.match(message, /`compress` must be false, 'gzip' or 'zstd'/)
    }
  })

  it('on a full disk: ENOSPC, and nothing stays', async () => {
    for (const live of NO_LIVE ? [false] : [false, 'require']) {
      for (const compress of Object.keys(COMPRESSIONS)) {
        const said = await answer(`
          require(ADDON).writeSnapshotAsync({ filename: '/dev/full', compress: '${compress}', live: ${JSON.stringify(live)} })
            .catch(function (err) { say([err.code, err.errno, err.path]) })`)
        assert.deepEqual(said, ['ERR_HEAPDUMP_IO', 'ENOSPC', '/dev/full'])
      }
    }
  })
})
