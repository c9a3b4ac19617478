// keep: of the snapshots in a directory the latest so many of ours stay, and nothing else is ever removed.

import assert from 'node:assert/strict'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { describe, it } from 'node:test'
import { gzipSync } from 'node:zlib'
import { COMPRESSIONS, filesIn, NO_LIVE, PARALLEL, run, start, temporaryDirectory } from './helpers.mjs'

/** A pid that is free: more than any system gives. */
const ENDED = 2 ** 22 + 1

/** Puts a file with the header of a snapshot into a directory; `changes` are to what it says of itself. */
function plant(directory, name, changes = {}, store = (text) => text) {
  const provenance = { version: '0.0.0', pid: ENDED, host: os.hostname(), program: changes.program, ...changes }
  const text = `{"snapshot":{"rs_heapdump":${JSON.stringify(provenance)},"meta":{}},"nodes":[],"strings":["}"]}`
  fs.writeFileSync(path.join(directory, name), store(text))
  return name
}

/** A default name of that second, long ago. */
const nameOf = (second, ending = '.heapsnapshot') => `heapdump-${1_000_000_000 + second}.000000${ending}`

/** Takes this many snapshots by the call, and says their names. */
const take = (count, options) => `
  const heapdump = require(ADDON)
  const names = []
  ;(async function () {
    for (let i = 0; i < ${count}; i++) {
      names.push(require('path').basename((await heapdump.writeSnapshotAsync(${options})).path))
    }
    say({ names: names, program: process.argv[1] })
  })()`

describe('keep', PARALLEL, () => {
  for (const [engine, { live = false, fault, skip = false }] of Object.entries({
    'in process': {},
    live: { live: 'require', skip: NO_LIVE },
    'through node:v8': { fault: 'no-v8-symbols' },
    'where files must have names': { fault: 'no-tmpfile' },
  })) {
    it(`${engine}: the latest stay`, { skip }, async () => {
      const child = await run(take(3, `{ keep: 2, live: ${JSON.stringify(live)} }`), { fault })
      assert.deepEqual(filesIn(child.directory), child.said[0].names.slice(-2))
    })
  }

  it('of workers and of all compressions counts together', async () => {
    const child = await run(`
      const { Worker } = require('worker_threads')
      const heapdump = require(ADDON)
      heapdump.writeSnapshot()
      heapdump.writeSnapshot({ compress: 'gzip' })
      heapdump.writeSnapshot({ compress: 'zstd' })
      new Worker("require(process.env.ADDON).writeSnapshot({ compress: 'zstd', keep: 3 })",
        { eval: true, env: { ADDON: ADDON } })`)
    const endings = filesIn(child.directory).map((name) => name.replace(/^[^-]*-\d+\.\d+/, ''))
    const [gzip, zstd] = Object.values(COMPRESSIONS).map(({ suffix }) => suffix)
    assert.deepEqual(endings, [`.heapsnapshot${gzip}`, `.heapsnapshot${zstd}`, `-thread1.heapsnapshot${zstd}`])
  })

  it('by signal: by the environment and by configure, which can also end it', async () => {
    const child = start(
      `
      const heapdump = require(ADDON)
      heapdump.on('snapshot', function (info) { say(require('path').basename(info.path)) })
      process.on('message', function () {})
      process.stdin.on('data', function (keep) { heapdump.configure({ keep: JSON.parse(keep) }); say('configured') })
      say('ready')`,
      { options: 'keep=2' },
    )
    await child.says('ready')
    const names = []
    const signal = async () => {
      child.kill('SIGUSR2')
      names.push(await child.next())
    }
    for (let i = 0; i < 4; i++) await signal()
    assert.deepEqual(filesIn(child.directory), names.slice(-2))
    for (const [keep, expected] of [
      [1, 1],
      [false, 2],
    ]) {
      child.stdin.write(JSON.stringify(keep))
      await child.says('configured')
      await signal()
      assert.deepEqual(filesIn(child.directory), names.slice(-expected))
    }
    child.kill('SIGKILL')
    await child.ended()
  })

  it('counts what an earlier, ended process of the program left, the oldest first', async () => {
    // The program is the script, which is a file of its own for every child: say which it is.
    const probe = `
      const fs = require('fs')
      const path = require('path')
      const plant = ${plant.toString()}
      const os = require('os'), ENDED = ${ENDED}
      const gzipSync = require('zlib').gzipSync
      const nameOf = ${nameOf.toString()}
      const program = process.argv[1]
      plant('.', nameOf(1), { program: program })
      plant('.', nameOf(2, '.heapsnapshot.gz'), { program: program }, gzipSync)
      plant('.', nameOf(3, '-thread7.heapsnapshot'), { program: program })
      // Its own number, of an earlier life: in a container it is always the same.
      plant('.', nameOf(4), { program: program, pid: process.pid })
      plant('.', nameOf(5), { program: program })
      ${take(1, '{ keep: 3 }')}`
    const child = await run(probe)
    assert.deepEqual(filesIn(child.directory), [nameOf(4), nameOf(5), child.said[0].names[0]])
  })

  it('never removes what is not surely ours', async () => {
    const elsewhere = temporaryDirectory()
    const child = start(`
      const fs = require('fs')
      const heapdump = require(ADDON)
      say(process.argv[1])
      process.stdin.once('data', function () {
        heapdump.writeSnapshot({ keep: 1 })
        heapdump.writeSnapshot({ keep: 1 })
        say('written')
        process.exit()
      })`)
    const { directory } = child
    const program = await child.next()
    plant(elsewhere, 'target', { program })
    const stays = [
      plant(directory, nameOf(1), { program: '/another/program.js' }),
      plant(directory, nameOf(2), { program, host: 'another-host' }),
      plant(directory, nameOf(3), { program, pid: process.pid }), // which still runs
      plant(directory, 'before.heapsnapshot', { program }),
      plant(directory, `${nameOf(4)}.bak`, { program }),
      plant(directory, nameOf(5).toUpperCase(), { program }),
      nameOf(6),
      nameOf(7),
      nameOf(8),
      nameOf(9),
      nameOf(10, '.heapsnapshot.gz'),
      nameOf(11),
      nameOf(12),
    ]
    const at = (name) => path.join(directory, name)
    fs.symlinkSync(path.join(elsewhere, 'target'), at(nameOf(6)))
    fs.mkdirSync(at(nameOf(7)))
    fs.writeFileSync(at(nameOf(8)), '')
    fs.writeFileSync(at(nameOf(9)), '{"snapshot":{"meta":{}},"nodes":[]}') // V8's own
    fs.writeFileSync(at(nameOf(10, '.heapsnapshot.gz')), gzipSync('{"snapshot":{}}').subarray(0, 12)) // damaged
    fs.writeFileSync(at(nameOf(11)), '{"snapshot":{"rs_heapdump":{"pid":"x"')
    fs.writeFileSync(at(nameOf(12)), `{"snapshot":{"rs_heapdump":${'['.repeat(100_000)}`)
    child.stdin.write('go')
    await child.says('written')
    await child.endsWell()
    const left = filesIn(directory)
    assert.equal(left.length, stays.length + 1, left.join(' '))
    for (const name of stays) assert.ok(left.includes(name), name)
    assert.deepEqual(filesIn(elsewhere), ['target'])
  })

  it('does not wait for a FIFO of such a name', { skip: process.platform === 'win32' }, async () => {
    const child = await run(`
      require('child_process').execFileSync('mkfifo', ['${nameOf(1)}'])
      ${take(2, '{ keep: 1 }')}`)
    assert.deepEqual(filesIn(child.directory), [nameOf(1), child.said[0].names[1]])
  })

  it('does not remove the new file, even when those there seem to be later', async () => {
    const child = await run(`
      const fs = require('fs'), os = require('os')
      fs.writeFileSync('heapdump-9999999999.000000.heapsnapshot', '{"snapshot":{"rs_heapdump":' +
        JSON.stringify({ pid: ${ENDED}, host: os.hostname(), program: process.argv[1] }) + ',"meta":{}}}')
      ${take(2, '{ keep: 1 }')}`)
    assert.deepEqual(filesIn(child.directory), [child.said[0].names[1]])
  })

  it('must be a count, and goes with default names only', async () => {
    const child = await run(`
      const heapdump = require(ADDON)
      for (const keep of [0, -1, 1.5, '3', true, NaN, Infinity]) {
        heapdump.writeSnapshot({ keep: keep }, function (err) { say([err.code, err.message]) })
      }
      heapdump.writeSnapshot({ keep: 1, filename: 'a' }, function (err) { say([err.code, err.message]) })
      heapdump.writeSnapshot({ keep: false, filename: 'b' }, function (err) { say(err) })`)
    for (const [code, message] of child.said.slice(0, 7)) {
      assert.equal(code, 'ERR_HEAPDUMP_ARGUMENT')
      assert.match(message, /`keep` must be false or a positive whole number/)
    }
    assert.equal(child.said[7][0], 'ERR_HEAPDUMP_ARGUMENT')
    assert.match(child.said[7][1], /`keep`.*default names.*`filename`/)
    assert.equal(child.said[8], null)
    assert.deepEqual(filesIn(child.directory), ['b'])
  })
})
