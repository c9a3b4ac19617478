// The file appears under its name only when it is whole, whatever happens to the process meanwhile.

import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import { describe, it } from 'node:test'
import {
  aWhile,
  filesIn,
  makeOlder,
  PARALLEL,
  partialFilesIn,
  readSnapshot,
  run,
  start,
  temporaryDirectory,
} from './helpers.mjs'

const writers = {
  writeSnapshot: `require(ADDON).writeSnapshot('a.heapsnapshot')`,
  writeSnapshotAsync: `require(ADDON).writeSnapshotAsync('a.heapsnapshot')`,
}

/** What a process has written so far to a file in this directory that has no name yet. */
function unnamedBytes(pid, directory) {
  try {
    for (const descriptor of fs.readdirSync(`/proc/${pid}/fd`)) {
      const link = `/proc/${pid}/fd/${descriptor}`
      if (fs.readlinkSync(link).startsWith(directory + path.sep)) return fs.statSync(link).size
    }
  } catch {
    // A descriptor was closed meanwhile, or the process is gone.
  }
  return 0
}

/** Waits until the child has written a part of a file with a temporary name, and returns its path. */
async function partialFileOf(child) {
  const name = await child.until(
    () => partialFilesIn(child.directory).find((name) => fs.statSync(path.join(child.directory, name)).size > 0),
    'a partial file',
  )
  return path.join(child.directory, name)
}

for (const [form, script] of Object.entries(writers)) {
  describe(`${form}, while it writes`, PARALLEL, () => {
    it('shows nothing in the directory, and leaves nothing there when killed', async () => {
      const child = start(script, { fault: 'slow-write' })
      await child.until(() => unnamedBytes(child.pid, child.directory) > 0, 'the first bytes')
      assert.deepEqual(filesIn(child.directory), [])
      child.kill('SIGKILL')
      await child.ended()
      assert.deepEqual(filesIn(child.directory), [])
    })

    it('leaves the existing file alone when killed', async () => {
      const directory = temporaryDirectory()
      fs.writeFileSync(path.join(directory, 'a.heapsnapshot'), 'what was there')
      const child = start(script, { fault: 'slow-write', cwd: directory })
      await child.until(() => unnamedBytes(child.pid, directory) > 0, 'the first bytes')
      child.kill('SIGKILL')
      await child.ended()
      assert.deepEqual(filesIn(directory), ['a.heapsnapshot'])
      const content = fs.readFileSync(path.join(directory, 'a.heapsnapshot'), 'utf8')
      assert.equal(content, 'what was there')
    })

    it('where files must have names: shows one hidden file until it is whole', async () => {
      const child = start(script, { fault: 'slow-write,no-tmpfile' })
      const partial = await partialFileOf(child)
      assert.match(path.basename(partial), /^\.heapdump-.*\.partial$/)
      assert.deepEqual(filesIn(child.directory), [path.basename(partial)])
      assert.equal((fs.statSync(partial).mode & 0o777).toString(8), '600')
      await child.endsWell()
      assert.deepEqual(filesIn(child.directory), ['a.heapsnapshot'])
      readSnapshot(path.join(child.directory, 'a.heapsnapshot'))
    })

    it('where files must have names: leaves no file of the name when killed', async () => {
      const directory = temporaryDirectory()
      fs.writeFileSync(path.join(directory, 'b.heapsnapshot'), 'what was there')
      const child = start(script, { fault: 'slow-write,no-tmpfile', cwd: directory })
      const partial = await partialFileOf(child)
      child.kill('SIGKILL')
      await child.ended()
      assert.deepEqual(filesIn(directory), [path.basename(partial), 'b.heapsnapshot'].sort())
    })
  })
}

describe('a partial file of a killed process', PARALLEL, () => {
  /** A directory with the partial file of a process that was killed in the middle of it. */
  async function abandoned() {
    const child = start(writers.writeSnapshot, { fault: 'slow-write,no-tmpfile' })
    const partial = await partialFileOf(child)
    child.kill('SIGKILL')
    await child.ended()
    return { directory: child.directory, partial }
  }

  for (const fault of [undefined, 'no-tmpfile']) {
    const how = fault ? `, with ${fault}` : ''

    it(`goes with the next snapshot there, a minute later${how}`, async () => {
      const { directory, partial } = await abandoned()
      makeOlder(partial, 61)
      await run(writers.writeSnapshot, { cwd: directory, fault })
      assert.deepEqual(filesIn(directory), ['a.heapsnapshot'])
    })
  }

  it('stays for a minute: it might not be one', async () => {
    const { directory, partial } = await abandoned()
    await run(writers.writeSnapshot, { cwd: directory })
    assert.deepEqual(filesIn(directory), [path.basename(partial), 'a.heapsnapshot'].sort())
  })

  it('stays while its process lives and writes it, however old it is', async () => {
    const child = start(writers.writeSnapshot, { fault: 'slow-write,no-tmpfile' })
    const partial = await partialFileOf(child)
    child.kill('SIGSTOP')
    makeOlder(partial, 3600)
    await run(writers.writeSnapshot.replace('a.heap', 'b.heap'), { cwd: child.directory })
    assert.deepEqual(filesIn(child.directory), [path.basename(partial), 'b.heapsnapshot'].sort())
    child.kill('SIGCONT')
    await child.endsWell()
    assert.deepEqual(filesIn(child.directory), ['a.heapsnapshot', 'b.heapsnapshot'])
    readSnapshot(path.join(child.directory, 'a.heapsnapshot'))
  })

  it('takes nothing with it that only looks like one', async () => {
    const { directory, partial } = await abandoned()
    makeOlder(partial, 61)
    const alike = ['.heapdump-notes.txt', '.heapdump.partial', 'heapdump-1.partial', 'old.partial']
    for (const name of alike) {
      fs.writeFileSync(path.join(directory, name), '')
      makeOlder(path.join(directory, name), 3600)
    }
    // A name as ours, but no regular file.
    const link = partial.replace(/(.)\.partial$/, (_, last) => `${last === '0' ? '1' : '0'}.partial`)
    fs.symlinkSync('old.partial', link)
    fs.lutimesSync(link, 1, 1)
    await run(writers.writeSnapshot, { cwd: directory })
    const expected = [...alike, path.basename(link), 'a.heapsnapshot'].sort()
    assert.deepEqual(filesIn(directory), expected)
  })
})

describe('a process that ends in the middle of writeSnapshotAsync', PARALLEL, () => {
  const ends = [
    ['process.exit(7)', 7],
    ['process.nextTick(function () { throw new Error("mine") })', 1],
  ]
  for (const [end, code] of ends) {
    for (const fault of ['slow-write', 'slow-write,no-tmpfile']) {
      it(`leaves a whole file or none: ${end} (${fault})`, async () => {
        const child = start(
          `
          require(ADDON).writeSnapshotAsync({
            filename: 'a.heapsnapshot',
            onProgress: function (progress) { if (progress.phase === 'write') ${end} }
          })`,
          { fault },
        )
        assert.deepEqual(await child.ended(), { code, signal: null })
        await aWhile()
        const files = filesIn(child.directory)
        if (files.length > 0) {
          assert.deepEqual(files, ['a.heapsnapshot'])
          readSnapshot(path.join(child.directory, 'a.heapsnapshot'))
        }
      })
    }
  }
})
