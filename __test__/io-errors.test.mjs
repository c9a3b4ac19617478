// When the file cannot be written: the right error, no partial file, and the process goes on.

import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import { describe, it } from 'node:test'
import {
  filesIn,
  isRoot,
  PARALLEL,
  partialFilesIn,
  readSnapshot,
  run,
  start,
  temporaryDirectory,
  whyNotWorking,
} from './helpers.mjs'

/**
 * Tries to write `target` in both forms and says both errors; then `afterwards` (source text) puts
 * right what was wrong, and another snapshot is written to `last`.
 */
const attempt = (target, { before = '', afterwards = '', last = 'last.heapsnapshot', given = {} } = {}) => `
  const fs = require('fs')
  const heapdump = require(ADDON)
  const execFileSync = require('child_process').execFileSync
  function figures(err) {
    return { code: err.code, errno: err.errno, path: err.path, syscall: err.syscall }
  }
  ${before}
  let calls = 0
  let error
  const target = ${JSON.stringify(Object.keys(given).length > 0 ? { filename: target, ...given } : target)}
  const returned = heapdump.writeSnapshot(target, function (err) { calls++; error = err })
  if (returned || calls !== 1 || !error) throw new Error('no error: ' + returned + ' ' + calls)
  say(Object.assign({ message: error.message }, figures(error)))
  heapdump.writeSnapshotAsync(target).then(
    function () { say('written') },
    function (err) {
      say(figures(err))
      ${afterwards}
      say(heapdump.writeSnapshot(${JSON.stringify(last)}))
    })`

function checkErrors([sync, async], errno, target) {
  assert.equal(sync.message, `heapdump write error ${errno}`)
  for (const [form, error] of Object.entries({ sync, async })) {
    assert.equal(error.code, 'ERR_HEAPDUMP_IO', form)
    assert.equal(error.errno, errno, form)
    assert.equal(typeof error.syscall, 'string', form)
    assert.notEqual(error.syscall, '', form)
    if (target) assert.equal(path.basename(error.path), path.basename(target), form)
  }
}

describe('a name that cannot be written', PARALLEL, () => {
  const directory = temporaryDirectory()
  const inDirectory = (name) => path.join(directory, name)
  fs.writeFileSync(inDirectory('file'), 'what was there')
  fs.mkdirSync(inDirectory('directory'))
  fs.symlinkSync('loop', inDirectory('loop'))
  fs.symlinkSync('directory', inDirectory('link-to-directory'))
  fs.symlinkSync('missing/target', inDirectory('link-into-nowhere'))
  const cases = [
    ['in a directory that does not exist', 'missing/a.heapsnapshot', 'ENOENT'],
    ['that is empty', '', 'ENOENT'],
    ['below a file', 'file/a.heapsnapshot', 'ENOTDIR'],
    ['of a directory', 'directory', 'EISDIR'],
    ['of a directory, with a slash', 'directory/', 'EISDIR'],
    ['of the root directory', '/', 'EISDIR'],
    ['of a link to a directory', 'link-to-directory', 'EISDIR'],
    ['of a link into a directory that does not exist', 'link-into-nowhere', 'ENOENT'],
    ['of a link to itself', 'loop', 'ELOOP'],
    ['that is too long', 'x'.repeat(256), 'ENAMETOOLONG'],
    ['whose path is too long', `${'directory/../'.repeat(400)}a`, 'ENAMETOOLONG'],
  ]
  for (const [what, target, errno] of cases) {
    it(`${what}: ${errno}`, async () => {
      const before = filesIn(directory)
      const last = path.join(temporaryDirectory(), 'last.heapsnapshot')
      const child = await run(attempt(target, { last }), { cwd: directory })
      checkErrors(child.said, errno)
      assert.equal(child.said[2], true)
      readSnapshot(last)
      assert.deepEqual(filesIn(directory), before)
      assert.equal(fs.readFileSync(inDirectory('file'), 'utf8'), 'what was there')
    })
  }

  it('tells which path it is', async () => {
    const target = path.join(temporaryDirectory(), 'missing', 'a.heapsnapshot')
    const child = await run(attempt(target))
    checkErrors(child.said, 'ENOENT', target)
  })
})

describe('a working directory that was removed', PARALLEL, () => {
  for (const script of [
    `heapdump.writeSnapshot(function (err) { say(err.errno) })`,
    `heapdump.writeSnapshot('a.heapsnapshot', function (err) { say(err.errno) })`,
    `heapdump.writeSnapshotAsync().catch(function (err) { say(err.errno) })`,
  ]) {
    it(`${script.slice(0, script.indexOf(')') + 1)}: ENOENT`, async () => {
      const child = await run(`
        const heapdump = require(ADDON)
        require('fs').rmdirSync(process.cwd())
        ${script}`)
      assert.deepEqual(child.said, ['ENOENT'])
    })
  }
})

describe('a directory that vanishes while the file is written', PARALLEL, () => {
  for (const fault of ['slow-write', 'slow-write,no-tmpfile']) {
    it(`fails with ENOENT, and the process goes on (${fault})`, async () => {
      const child = await run(
        `
        const fs = require('fs')
        const heapdump = require(ADDON)
        fs.mkdirSync('vanishing')
        heapdump.writeSnapshotAsync({
          filename: 'vanishing/a.heapsnapshot',
          onProgress: function (progress) {
            if (progress.phase === 'write') fs.rmSync('vanishing', { recursive: true })
          }
        }).then(
          function () { say('written') },
          function (err) {
            say({ code: err.code, errno: err.errno })
            say(heapdump.writeSnapshot('last.heapsnapshot'))
          })`,
        { fault },
      )
      assert.deepEqual(child.said, [{ code: 'ERR_HEAPDUMP_IO', errno: 'ENOENT' }, true])
      assert.deepEqual(filesIn(child.directory), ['last.heapsnapshot'])
    })
  }
})

/** Without and with files that are unnamed until they are whole. */
const faults = [undefined, 'no-tmpfile']

const whyNoMount =
  whyNotWorking('unshare', ['-m', 'true'], 'no mount namespaces') ||
  whyNotWorking('unshare', ['-m', 'mount', '-t', 'tmpfs', 'none', '/mnt'], 'cannot mount a tmpfs')

describe('a file system', PARALLEL, () => {
  // The mount lives in a namespace of the child and goes with it.
  const mounted = (options) => [
    'unshare',
    '-m',
    'sh',
    '-c',
    `mount -t tmpfs -o ${options} none "$PWD" && cd "$PWD" && exec "$0" "$@"`,
  ]

  for (const fault of faults) {
    const how = fault ? `, with ${fault}` : ''

    for (const given of [{}, { memoryGuard: false }, { memoryGuard: false, compress: 'gzip' }]) {
      const what = Object.keys(given).length > 0 ? `, ${JSON.stringify(given)}` : ''

      it(`that is full: ENOSPC, nothing stays there, and then it works${what}${how}`, {
        skip: whyNoMount,
      }, async () => {
        const child = await run(
          attempt('a.heapsnapshot', {
            given,
            // Noise does not become smaller by compression.
            before: `fs.writeFileSync('a.heapsnapshot', 'what was there')
              module.noise = Array.from({ length: 3000 }, () => require('crypto').randomBytes(500).toString('hex'))`,
            afterwards: `
            say(fs.readdirSync('.'))
            say(fs.readFileSync('a.heapsnapshot', 'utf8'))
            fs.writeFileSync('fits', Buffer.alloc(900 * 1024))
            fs.unlinkSync('fits')
            execFileSync('mount', ['-o', 'remount,size=256m', process.cwd()])`,
            last: 'a.heapsnapshot',
          }) +
            `.then(function () {
          say(fs.readdirSync('.'))
          say(fs.statSync('a.heapsnapshot').size > 1024 * 1024)
        })`,
          { wrapper: mounted('size=1m'), fault },
        )
        checkErrors(child.said, 'ENOSPC', 'a.heapsnapshot')
        assert.equal(child.said[0].syscall, given.memoryGuard === false ? 'write' : 'statvfs')
        assert.deepEqual(child.said.slice(2), [['a.heapsnapshot'], 'what was there', true, ['a.heapsnapshot'], true])
      })
    }
  }

  it('without inodes left: ENOSPC', { skip: whyNoMount }, async () => {
    const last = path.join(temporaryDirectory(), 'last.heapsnapshot')
    const child = await run(attempt('a.heapsnapshot', { last }), {
      wrapper: mounted('size=64m,nr_inodes=1'),
    })
    checkErrors(child.said, 'ENOSPC')
    assert.equal(child.said[2], true)
  })

  it('that is read-only: EROFS', { skip: whyNoMount }, async () => {
    const last = path.join(temporaryDirectory(), 'last.heapsnapshot')
    const child = await run(attempt('a.heapsnapshot', { last }), { wrapper: mounted('ro') })
    checkErrors(child.said, 'EROFS')
    assert.equal(child.said[2], true)
  })
})

describe('a limit on the size of files', PARALLEL, () => {
  const skip = whyNotWorking('prlimit', ['--fsize=1048576', 'true'], 'no prlimit')

  for (const fault of faults) {
    const how = fault ? `, with ${fault}` : ''

    it(`fails with EFBIG, and what was there stays${how}`, { skip }, async () => {
      const directory = temporaryDirectory()
      fs.writeFileSync(path.join(directory, 'a.heapsnapshot'), 'what was there')
      const child = await run(
        attempt('a.heapsnapshot', {
          afterwards: `execFileSync('prlimit', ['--pid', String(process.pid), '--fsize=67108864:'])`,
        }),
        {
          cwd: directory,
          wrapper: ['prlimit', '--fsize=1048576:', ...['env', `RS_HEAPDUMP_FAULT=${fault ?? ''}`]],
        },
      )
      checkErrors(child.said, 'EFBIG', 'a.heapsnapshot')
      assert.equal(child.said[2], true)
      assert.deepEqual(filesIn(directory), ['a.heapsnapshot', 'last.heapsnapshot'])
      assert.equal(fs.readFileSync(path.join(directory, 'a.heapsnapshot'), 'utf8'), 'what was there')
      readSnapshot(path.join(directory, 'last.heapsnapshot'))
    })
  }
})

describe('no descriptor left', PARALLEL, () => {
  it('fails with EMFILE, and works when there are some again', async () => {
    const child = await run(
      attempt('a.heapsnapshot', {
        before: `
          const taken = []
          try { for (;;) taken.push(fs.openSync('/dev/null')) } catch (err) {}`,
        afterwards: `taken.forEach(function (fd) { fs.closeSync(fd) })`,
      }),
      { wrapper: ['prlimit', '--nofile=128'] },
    )
    checkErrors(child.said, 'EMFILE')
    assert.equal(child.said[2], true)
    assert.deepEqual(filesIn(child.directory), ['last.heapsnapshot'])
  })
})

describe('a process that is not root', PARALLEL, () => {
  const skip = isRoot ? false : 'needs root, to become somebody else'
  const becomeNobody = `process.setgid(65534); process.setuid(65534)`

  it('may not replace a file that it may not write: EACCES', { skip }, async () => {
    const directory = temporaryDirectory()
    fs.chownSync(directory, 65534, 65534)
    const file = path.join(directory, 'a.heapsnapshot')
    fs.writeFileSync(file, 'what was there', { mode: 0o444 })
    const child = await run(attempt('a.heapsnapshot', { before: becomeNobody }), { cwd: directory })
    checkErrors(child.said, 'EACCES')
    assert.equal(fs.readFileSync(file, 'utf8'), 'what was there')
    assert.deepEqual(filesIn(directory), ['a.heapsnapshot', 'last.heapsnapshot'])
  })

  it('may not write everywhere: EACCES', { skip }, async () => {
    const directory = temporaryDirectory()
    fs.mkdirSync(path.join(directory, 'theirs'))
    fs.mkdirSync(path.join(directory, 'mine'))
    fs.chownSync(path.join(directory, 'mine'), 65534, 65534)
    fs.chmodSync(directory, 0o755)
    const child = await run(
      attempt('theirs/a.heapsnapshot', { before: becomeNobody, last: 'mine/last.heapsnapshot' }),
      { cwd: directory },
    )
    checkErrors(child.said, 'EACCES')
    assert.equal(child.said[2], true)
    assert.deepEqual(filesIn(path.join(directory, 'theirs')), [])
    // Having been root costs a process its own /proc entries: it must work all the same.
    readSnapshot(path.join(directory, 'mine/last.heapsnapshot'))
    assert.deepEqual(filesIn(path.join(directory, 'mine')), ['last.heapsnapshot'])
  })
})

describe('a signal', PARALLEL, () => {
  it('whose snapshot cannot be written says so, and the next one works', async () => {
    const directory = temporaryDirectory()
    const target = path.join(directory, 'later')
    const child = start(`
      const heapdump = require(ADDON)
      heapdump.configure({ directory: ${JSON.stringify(target)} })
      heapdump.on('error', function (err) {
        say({ code: err.code, errno: err.errno, isError: err instanceof Error })
      })
      setInterval(function () {}, 1000)
      say('ready')`)
    await child.says('ready')
    child.kill('SIGUSR2')
    assert.deepEqual(await child.next(), { code: 'ERR_HEAPDUMP_IO', errno: 'ENOENT', isError: true })
    await child.complains(/^rs-heapdump: .*ENOENT/)
    fs.mkdirSync(target)
    child.kill('SIGUSR2')
    await child.until(() => filesIn(target).length > 0, 'a snapshot')
    assert.deepEqual(partialFilesIn(target), [])
    readSnapshot(path.join(target, filesIn(target)[0]))
    child.kill('SIGKILL')
  })

  it('whose error nobody listens to kills nobody', async () => {
    const child = start(`
      const heapdump = require(ADDON)
      heapdump.configure({ directory: '/does/not/exist' })
      process.on('SIGTERM', function () { process.exit(0) })
      setInterval(function () {}, 1000)
      say('ready')`)
    await child.says('ready')
    child.kill('SIGUSR2')
    await child.complains(/ENOENT/)
    child.kill('SIGTERM')
    await child.endsWell()
  })
})
