// A capture that would not fit into memory is refused, before memory is taken, with the figures.

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { describe, it } from 'node:test'
import { MIB, makeCgroup, whyNoCgroup } from './cgroup.mjs'
import { filesIn, PARALLEL, readSnapshot, run, start, whyNotWorking } from './helpers.mjs'

const FIGURES = `function figures(err) {
  return err && {
    code: err.code, limit: err.limit, needed: err.neededBytes, available: err.availableBytes
  }
}`

function checkFigures(error, limit) {
  assert.equal(error.code, 'ERR_HEAPDUMP_MEMORY')
  assert.ok(error.needed > error.available, `needs ${error.needed}, has ${error.available}`)
  assert.ok(error.available >= 0)
  if (limit) assert.equal(error.limit, limit)
  else assert.match(error.limit, /^(cgroup|rlimit|machine)$/)
}

describe('the memory guard', PARALLEL, () => {
  it('refuses both forms with the same code and figures, and leaves the file alone', async () => {
    const child = await run(
      `
      ${FIGURES}
      const fs = require('fs')
      const heapdump = require(ADDON)
      fs.writeFileSync('a.heapsnapshot', 'what was there')
      say(heapdump.writeSnapshot('a.heapsnapshot', function (err) { say(figures(err)) }))
      heapdump.writeSnapshotAsync('a.heapsnapshot').catch(function (err) {
        say(figures(err))
        say(fs.readFileSync('a.heapsnapshot', 'utf8'))
      })`,
      { fault: 'memory-low' },
    )
    const [sync, returned, async, content] = child.said
    checkFigures(sync)
    assert.equal(sync.available, 1024 * 1024)
    assert.equal(returned, false)
    checkFigures(async)
    assert.equal(content, 'what was there')
    assert.deepEqual(filesIn(child.directory), ['a.heapsnapshot'])
  })

  it('can be told not to', async () => {
    const child = await run(
      `
      const heapdump = require(ADDON)
      const options = { filename: 'a.heapsnapshot', memoryGuard: false }
      say(heapdump.writeSnapshot(options))
      heapdump.writeSnapshotAsync(options).then(function () { say('written') })`,
      { fault: 'memory-low' },
    )
    assert.deepEqual(child.said, [true, 'written'])
    readSnapshot(path.join(child.directory, 'a.heapsnapshot'))
  })

  it('refuses a signal, says so, and obeys configure', async () => {
    const child = start(
      `
      ${FIGURES}
      const heapdump = require(ADDON)
      heapdump.on('error', function (err) { say(figures(err)) })
      setInterval(function () {}, 1000)
      process.on('SIGTERM', function () { heapdump.configure({ memoryGuard: false }); say('told') })
      say('ready')`,
      { fault: 'memory-low' },
    )
    await child.says('ready')
    child.kill('SIGUSR2')
    checkFigures(await child.next())
    await child.complains(/^rs-heapdump: .*memory/i)
    assert.deepEqual(filesIn(child.directory), [])
    child.kill('SIGTERM')
    await child.says('told')
    child.kill('SIGUSR2')
    const [file] = await child.snapshots()
    child.kill('SIGKILL')
    readSnapshot(file)
  })
})

/**
 * A process with many small objects, whose snapshot needs much more than what it holds. Each line
 * on its stdin makes it try; then it lets the objects go, and tries again.
 */
const HOLDER = `
  ${FIGURES}
  const heapdump = require(ADDON)
  global.kept = []
  for (let i = 0; i < 600000; i++) global.kept.push({ i: i })
  heapdump.gc()
  process.stdin.once('data', function () {
    heapdump.writeSnapshot('refused.heapsnapshot', function (err) { say(figures(err)) })
    global.kept = null
    setTimeout(function () {
      heapdump.gc()
      heapdump.writeSnapshot('small.heapsnapshot', function (err) { say(figures(err)) })
      process.exit(0)
    }, 1)
  })
  say('ready')`

/**
 * What is left to the process when it tries. V8 counts the objects first, which takes some of it;
 * the capture of all objects would take far more.
 */
const TIGHT = [
  { left: 160 * MIB, what: 'refuses what would exceed it, and lets through what fits', fits: true },
  { left: 30 * MIB, what: 'refuses even to count where that would exceed it', fits: false },
]

async function checkRefusal(child, limit, { left, fits }) {
  child.stdin.write('go\n')
  await child.endsWell()
  const [, refused, small] = child.said
  checkFigures(refused, limit)
  // A capture begins by giving back what the process had freed.
  assert.ok(refused.available <= left + 24 * MIB, `${refused.available} bytes available of ${left}`)
  if (fits) {
    assert.equal(small, null)
    assert.deepEqual(filesIn(child.directory), ['small.heapsnapshot'])
    readSnapshot(path.join(child.directory, 'small.heapsnapshot'))
  } else if (small) {
    checkFigures(small, limit)
    assert.deepEqual(filesIn(child.directory), [])
  }
}

describe('a limit of the cgroup', () => {
  const skip = whyNoCgroup()

  for (const tight of TIGHT) {
    it(tight.what, { skip }, async () => {
      const cgroup = makeCgroup()
      try {
        const child = start(HOLDER, { wrapper: cgroup.wrapper })
        await child.says('ready')
        cgroup.leave(tight.left)
        await checkRefusal(child, 'cgroup', tight)
      } finally {
        await cgroup.remove()
      }
    })
  }
})

describe('a limit of the process', PARALLEL, () => {
  const skip = whyNotWorking('prlimit', ['--data=1073741824', 'true'], 'no prlimit')
  const limits = [
    ['RLIMIT_DATA', 'data', 'VmData'],
    ['RLIMIT_AS', 'as', 'VmSize'],
  ]

  /** Leaves this much to the process under this limit. */
  function leave(child, left, option, usage) {
    const status = fs.readFileSync(`/proc/${child.pid}/status`, 'utf8')
    const used = Number(new RegExp(`^${usage}:\\s+(\\d+) kB`, 'm').exec(status)[1]) * 1024
    execFileSync('prlimit', ['--pid', String(child.pid), `--${option}=${used + left}`])
  }

  for (const [name, option, usage] of limits) {
    for (const tight of TIGHT) {
      it(`(${name}) ${tight.what}`, { skip }, async () => {
        const child = start(HOLDER)
        await child.says('ready')
        leave(child, tight.left, option, usage)
        await checkRefusal(child, 'rlimit', tight)
      })
    }
  }

  it('is never said to suffice by an error that says that it does not', { skip }, async () => {
    const child = start(`
      ${FIGURES}
      const heapdump = require(ADDON)
      process.stdin.once('data', function () {
        heapdump.writeSnapshot('a.heapsnapshot', function (err) { say(figures(err)) })
        process.exit(0)
      })
      say('ready')`)
    await child.says('ready')
    leave(child, 50 * MIB, 'data', 'VmData')
    child.stdin.write('go\n')
    await child.endsWell()
    if (child.said[1]) checkFigures(child.said[1], 'rlimit')
  })
})

describe('a machine with enough memory', PARALLEL, () => {
  it('refuses nothing', async () => {
    const child = await run(`
      global.kept = []
      for (let i = 0; i < 200000; i++) global.kept.push({ i: i })
      say(require(ADDON).writeSnapshot('a.heapsnapshot'))`)
    assert.deepEqual(child.said, [true])
    readSnapshot(path.join(child.directory, 'a.heapsnapshot'))
  })
})
