// Who else can get at a snapshot: modes, directories that others may write to, and names that others took beforehand.

import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import { describe, it } from 'node:test'
import { filesIn, isRoot, makeFifo, PARALLEL, run, snapshotsIn, start, temporaryDirectory } from './helpers.mjs'

const NOBODY = 65534
const NOT_ROOT = !isRoot && 'only root can give a file to somebody else'
const NO_MODES = process.platform === 'win32' && 'modes are of Unix'

/** A directory with this mode, in one that is ours alone. */
function directoryWith(mode) {
  const directory = path.join(temporaryDirectory(), 'shared')
  fs.mkdirSync(directory)
  fs.chmodSync(directory, mode)
  return directory
}

const twice = (directory) => `
  const heapdump = require(ADDON)
  process.on('warning', function (warning) { say({ code: warning.code, message: warning.message }) })
  heapdump.writeSnapshot({ directory: ${JSON.stringify(directory)} })
  heapdump.writeSnapshotAsync({ directory: ${JSON.stringify(directory)} }).then(function () { say('done') })`

describe('a directory that others may write to', { skip: NO_MODES, ...PARALLEL }, () => {
  for (const [mode, warns] of [
    [0o777, true],
    [0o757, true],
    [0o1777, false],
    [0o775, false],
    [0o755, false],
    [0o700, false],
  ]) {
    it(`with mode ${mode.toString(8)}: ${warns ? 'is warned about once' : 'is no news'}`, async () => {
      const directory = directoryWith(mode)
      const child = await run(twice(directory))
      assert.equal(snapshotsIn(directory).length, 2)
      for (const name of snapshotsIn(directory)) {
        assert.equal((fs.statSync(path.join(directory, name)).mode & 0o777).toString(8), '600')
      }
      const warnings = child.said.filter((said) => said.code)
      assert.equal(warnings.length, warns ? 1 : 0, JSON.stringify(child.said))
      if (!warns) return
      assert.equal(warnings[0].code, 'HEAPDUMP_EXPOSED_DIRECTORY')
      assert.ok(warnings[0].message.includes(`chmod o-w ${directory}`), warnings[0].message)
    })
  }

  it('above the one with the file is warned about as well', async () => {
    const above = directoryWith(0o777)
    const directory = path.join(above, 'inner')
    fs.mkdirSync(directory, 0o700)
    const child = await run(twice(directory))
    const [warning] = child.said.filter((said) => said.code)
    assert.ok(warning.message.includes(`chmod o-w ${above},`), warning.message)
  })

  it('is told on stderr where a signal asked, unless that is to be quiet', async () => {
    for (const quiet of [false, true]) {
      const directory = directoryWith(0o777)
      const options = `dir=${directory}${quiet ? ',quiet' : ''}`
      const child = start(
        `require(ADDON).once('snapshot', function () { process.exit() }); say('ready'); setInterval(function () {}, 1000)`,
        { options },
      )
      await child.says('ready')
      child.kill('SIGUSR2')
      await child.endsWell()
      assert.equal(child.complaints(/^rs-heapdump: warning: .*chmod o-w/).length, quiet ? 0 : 1, child.stderr)
    }
  })
})

describe('a name that somebody else took in a sticky directory', { skip: NOT_ROOT, ...PARALLEL }, () => {
  const writing = (file) => `
    require(ADDON).writeSnapshot(${JSON.stringify(file)}, function (err) {
      say(err ? { errno: err.errno, hint: err.cause.hint } : 'written')
    })`

  it('by a symbolic link is not followed', async () => {
    const directory = directoryWith(0o1777)
    const victim = path.join(temporaryDirectory(), 'victim')
    fs.writeFileSync(victim, 'what was there')
    const link = path.join(directory, 'a.heapsnapshot')
    fs.symlinkSync(victim, link)
    fs.lchownSync(link, NOBODY, NOBODY)
    const child = await run(writing(link))
    assert.equal(child.said[0].errno, 'EACCES', JSON.stringify(child.said))
    assert.match(child.said[0].hint, /somebody else/)
    assert.equal(fs.readFileSync(victim, 'utf8'), 'what was there')
    assert.deepEqual(filesIn(directory), ['a.heapsnapshot'])
  })

  it('by a FIFO is not written to', async () => {
    const fifo = makeFifo(path.join(directoryWith(0o1777), 'a.heapsnapshot'))
    fs.chownSync(fifo, NOBODY, NOBODY)
    const child = await run(writing(fifo))
    assert.equal(child.said[0].errno, 'EACCES', JSON.stringify(child.said))
  })

  it('by a file is replaced by a file that is ours', async () => {
    const file = path.join(directoryWith(0o1777), 'a.heapsnapshot')
    fs.writeFileSync(file, 'what was there', { mode: 0o666 })
    fs.chownSync(file, NOBODY, NOBODY)
    const theirs = fs.openSync(file, 'r')
    const child = await run(writing(file))
    assert.deepEqual(child.said, ['written'])
    assert.deepEqual([fs.statSync(file).uid, fs.statSync(file).mode & 0o777], [process.getuid(), 0o600])
    assert.equal(fs.readFileSync(theirs, 'utf8'), 'what was there')
    fs.closeSync(theirs)
  })

  it('by a link of our own is followed', async () => {
    const directory = directoryWith(0o1777)
    const target = path.join(temporaryDirectory(), 'target')
    const link = path.join(directory, 'a.heapsnapshot')
    fs.symlinkSync(target, link)
    const child = await run(writing(link))
    assert.deepEqual(child.said, ['written'])
    assert.ok(fs.existsSync(target))
  })
})
