// A capture that would not fit into memory is refused, before memory is taken, with the figures.

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { after, describe, it } from 'node:test'
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
  let kept = []
  for (let i = 0; i < 600000; i++) kept.push({ i: i })
  heapdump.gc()
  process.stdin.once('data', function () {
    heapdump.writeSnapshot('refused.heapsnapshot', function (err) { say(figures(err)) })
    kept = null
    setTimeout(function () {
      heapdump.gc()
      heapdump.writeSnapshot('small.heapsnapshot', function (err) { say(figures(err)) })
      process.exit(0)
    }, 1)
  })
  say('ready')`

/** What is left to the process when it tries: too little for all, enough for itself alone. */
const LEFT_BYTES = 80 * 1024 * 1024

async function checkRefusal(child, limit) {
  child.stdin.write('go\n')
  await child.endsWell()
  const [, refused, small] = child.said
  checkFigures(refused, limit)
  assert.ok(
    refused.available <= LEFT_BYTES * 1.1 && refused.available > LEFT_BYTES / 2,
    `${refused.available} bytes available of ${LEFT_BYTES}`,
  )
  assert.equal(small, null)
  assert.deepEqual(filesIn(child.directory), ['small.heapsnapshot'])
  readSnapshot(path.join(child.directory, 'small.heapsnapshot'))
}

describe('a limit of the cgroup', () => {
  const { cgroup, skip } = makeCgroup()
  after(() => cgroup && fs.rmdirSync(cgroup.directory))

  it('refuses what would exceed it, and lets through what fits', { skip }, async () => {
    const child = start(HOLDER, {
      wrapper: ['sh', '-c', `echo $$ > ${cgroup.directory}/cgroup.procs && exec "$0" "$@"`],
    })
    await child.says('ready')
    const used = Number(fs.readFileSync(path.join(cgroup.directory, cgroup.usage), 'utf8'))
    fs.writeFileSync(path.join(cgroup.directory, cgroup.limit), String(used + LEFT_BYTES))
    await checkRefusal(child, 'cgroup')
  })
})

/** A memory cgroup of our own below the one we are in, or why there is none. */
function makeCgroup() {
  try {
    const [, mountPoint, type] = /^\S+ (\S+) (cgroup2?) \S*/m.exec(
      memoryMounts().join('\n'),
    ) ?? [null, null, null]
    if (!mountPoint) throw new Error('no memory cgroup is mounted')
    const v2 = type === 'cgroup2'
    const own = fs
      .readFileSync('/proc/self/cgroup', 'utf8')
      .match(v2 ? /^0::(.*)$/m : /^\d+:(?:\S*,)?memory(?:,\S*)?:(.*)$/m)[1]
    // Inside a container, the path is that of the host, and the mount already is our cgroup.
    const parent = [path.join(mountPoint, own), mountPoint].find((each) => fs.existsSync(each))
    const directory = path.join(parent, `rs-heapdump-test-${process.pid}`)
    fs.mkdirSync(directory)
    const limit = v2 ? 'memory.max' : 'memory.limit_in_bytes'
    try {
      fs.accessSync(path.join(directory, limit), fs.constants.W_OK)
    } catch (error) {
      fs.rmdirSync(directory)
      throw error
    }
    const usage = v2 ? 'memory.current' : 'memory.usage_in_bytes'
    return { cgroup: { directory, limit, usage }, skip: false }
  } catch (error) {
    return { cgroup: null, skip: `no memory cgroup of our own: ${error.message}` }
  }
}

/** The lines of the mount table for a memory cgroup, version 1 first: where both are, it counts. */
function memoryMounts() {
  const mounts = fs.readFileSync('/proc/mounts', 'utf8').split('\n')
  const isV1 = (line) => / cgroup \S*\bmemory\b/.test(line)
  const isV2 = (line) => / cgroup2 /.test(line)
  return [...mounts.filter(isV1), ...mounts.filter(isV2)]
}

describe('a limit of the process', PARALLEL, () => {
  const skip = whyNotWorking('prlimit', ['--data=1073741824', 'true'], 'no prlimit')
  const limits = [
    ['RLIMIT_DATA', 'data', 'VmData'],
    ['RLIMIT_AS', 'as', 'VmSize'],
  ]
  for (const [name, option, usage] of limits) {
    it(`(${name}) refuses what would exceed it, and lets through what fits`, { skip }, async () => {
      const child = start(HOLDER)
      await child.says('ready')
      const status = fs.readFileSync(`/proc/${child.pid}/status`, 'utf8')
      const used = Number(new RegExp(`^${usage}:\\s+(\\d+) kB`, 'm').exec(status)[1]) * 1024
      execFileSync('prlimit', ['--pid', String(child.pid), `--${option}=${used + LEFT_BYTES}`])
      await checkRefusal(child, 'rlimit')
    })
  }
})

describe('a machine with enough memory', PARALLEL, () => {
  it('refuses nothing', async () => {
    const child = await run(`
      const kept = []
      for (let i = 0; i < 200000; i++) kept.push({ i: i })
      say(require(ADDON).writeSnapshot('a.heapsnapshot'))
      say(kept.length)`)
    assert.deepEqual(child.said, [true, 200000])
    readSnapshot(path.join(child.directory, 'a.heapsnapshot'))
  })
})
