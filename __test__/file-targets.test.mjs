// What a name may stand for: nothing yet, a file, a link, a pipe, a device, a directory.

import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import { describe, it } from 'node:test'
import { filesIn, makeFifo, PARALLEL, parseSnapshot, readSnapshot, run, start, temporaryDirectory } from './helpers.mjs'

/** Writes to this name in the synchronous or in the asynchronous form, and says what came of it. */
const forms = {
  writeSnapshot: (name) => `
    require(ADDON).writeSnapshot(${JSON.stringify(name)}, function (err, name) {
      say(err ? { code: err.code, errno: err.errno } : 'written')
    })`,
  writeSnapshotAsync: (name) => `
    require(ADDON).writeSnapshotAsync(${JSON.stringify(name)}).then(
      function () { say('written') },
      function (err) { say({ code: err.code, errno: err.errno }) })`,
}

/** Where the file system cannot make unnamed files, or when we pretend that it cannot. */
const faults = [undefined, 'no-tmpfile']

for (const [form, script] of Object.entries(forms)) {
  describe(`${form} to`, PARALLEL, () => {
    for (const fault of faults) {
      const how = fault ? `, with ${fault}` : ''

      it(`an existing file: replaces it${how}`, async () => {
        const directory = temporaryDirectory()
        const file = path.join(directory, 'a.heapsnapshot')
        fs.writeFileSync(file, 'what was there', { mode: 0o644 })
        const old = fs.openSync(file, 'r')
        const child = await run(script('a.heapsnapshot'), { cwd: directory, fault })
        assert.deepEqual(child.said, ['written'])
        assert.deepEqual(filesIn(directory), ['a.heapsnapshot'])
        readSnapshot(file)
        assert.equal((fs.statSync(file).mode & 0o777).toString(8), '600')
        // Who had opened the old file still reads the old file: it was replaced, not overwritten.
        assert.equal(fs.readFileSync(old, 'utf8'), 'what was there')
        fs.closeSync(old)
      })

      it(`a link to a file: replaces the file, and the link stays${how}`, async () => {
        const directory = temporaryDirectory()
        fs.mkdirSync(path.join(directory, 'elsewhere'))
        fs.writeFileSync(path.join(directory, 'elsewhere/target'), 'what was there')
        fs.symlinkSync('elsewhere/target', path.join(directory, 'first'))
        fs.symlinkSync('first', path.join(directory, 'second'))
        const child = await run(script('second'), { cwd: directory, fault })
        assert.deepEqual(child.said, ['written'])
        assert.equal(fs.readlinkSync(path.join(directory, 'second')), 'first')
        assert.equal(fs.readlinkSync(path.join(directory, 'first')), 'elsewhere/target')
        assert.deepEqual(filesIn(path.join(directory, 'elsewhere')), ['target'])
        readSnapshot(path.join(directory, 'elsewhere/target'))
      })

      it(`a dangling link: creates what it points to${how}`, async () => {
        const directory = temporaryDirectory()
        fs.mkdirSync(path.join(directory, 'elsewhere'))
        fs.symlinkSync('elsewhere/target', path.join(directory, 'link'))
        const child = await run(script('link'), { cwd: directory, fault })
        assert.deepEqual(child.said, ['written'])
        assert.equal(fs.readlinkSync(path.join(directory, 'link')), 'elsewhere/target')
        readSnapshot(path.join(directory, 'elsewhere/target'))
      })

      it(`the longest name that there can be: creates it${how}`, async () => {
        const name = 'x'.repeat(255)
        const child = await run(script(name), { fault })
        assert.deepEqual(child.said, ['written'])
        assert.deepEqual(filesIn(child.directory), [name])
      })
    }

    it('a name that is not ASCII: creates it', async () => {
      const name = 'Schnappschuß 快照 🦀.heapsnapshot'
      const child = await run(script(name))
      assert.deepEqual(child.said, ['written'])
      assert.deepEqual(filesIn(child.directory), [name])
    })

    it('a FIFO: writes to its reader, and the FIFO stays', async () => {
      const directory = temporaryDirectory()
      const fifo = makeFifo(path.join(directory, 'fifo'))
      const child = start(script('fifo'), { cwd: directory })
      parseSnapshot(await text(fs.createReadStream(fifo)))
      await child.endsWell()
      assert.deepEqual(child.said, ['written'])
      assert.ok(fs.lstatSync(fifo).isFIFO())
      assert.deepEqual(filesIn(directory), ['fifo'])
    })

    it('a FIFO whose reader goes away: fails with EPIPE, and the FIFO stays', async () => {
      const directory = temporaryDirectory()
      const fifo = makeFifo(path.join(directory, 'fifo'))
      const child = start(script('fifo'), { cwd: directory })
      const reader = fs.createReadStream(fifo, { highWaterMark: 4096 })
      await new Promise((resolve) => reader.once('data', resolve))
      reader.destroy()
      await child.endsWell()
      assert.deepEqual(child.said, [{ code: 'ERR_HEAPDUMP_IO', errno: 'EPIPE' }])
      assert.ok(fs.lstatSync(fifo).isFIFO())
      assert.deepEqual(filesIn(directory), ['fifo'])
    })

    it('a FIFO that nobody reads: waits no longer than it was told to', async () => {
      const directory = temporaryDirectory()
      const fifo = makeFifo(path.join(directory, 'fifo'))
      const patient = script('fifo').replace('"fifo"', `{ filename: 'fifo', timeoutMs: 200 }`)
      const child = await run(patient, { cwd: directory })
      assert.deepEqual(child.said, [{ code: 'ERR_HEAPDUMP_TIMEOUT' }])
      assert.ok(fs.lstatSync(fifo).isFIFO())
      assert.deepEqual(filesIn(directory), ['fifo'])
    })

    it('a FIFO whose reader does not read: waits no longer than it was told to', async () => {
      const directory = temporaryDirectory()
      const fifo = makeFifo(path.join(directory, 'fifo'))
      const patient = script('fifo').replace('"fifo"', `{ filename: 'fifo', timeoutMs: 2000 }`)
      // Open before it begins and never read: whenever the time is used up, nothing else is to be waited for.
      const reader = fs.openSync(fifo, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK)
      const child = start(patient, { cwd: directory })
      await child.endsWell()
      fs.closeSync(reader)
      assert.deepEqual(child.said, [{ code: 'ERR_HEAPDUMP_TIMEOUT' }])
      assert.deepEqual(filesIn(directory), ['fifo'])
    })

    it('a link to a FIFO: writes to its reader, and both stay', async () => {
      const directory = temporaryDirectory()
      const fifo = makeFifo(path.join(directory, 'fifo'))
      fs.symlinkSync('fifo', path.join(directory, 'link'))
      const child = start(script('link'), { cwd: directory })
      parseSnapshot(await text(fs.createReadStream(fifo)))
      await child.endsWell()
      assert.ok(fs.lstatSync(fifo).isFIFO())
      assert.deepEqual(filesIn(directory), ['fifo', 'link'])
    })

    it('/dev/null: succeeds, and the device stays', async () => {
      const child = await run(script('/dev/null'))
      assert.deepEqual(child.said, ['written'])
      assert.ok(fs.lstatSync('/dev/null').isCharacterDevice())
    })

    it('/dev/full: fails with ENOSPC, and the device stays', async () => {
      const child = await run(script('/dev/full'))
      assert.deepEqual(child.said, [{ code: 'ERR_HEAPDUMP_IO', errno: 'ENOSPC' }])
      assert.ok(fs.lstatSync('/dev/full').isCharacterDevice())
    })
  })

  describe(`${form} to /dev/stdout`, PARALLEL, () => {
    // What the script says must not come in between: it says nothing.
    const silent = script('/dev/stdout').replaceAll('say(', 'void (')
    const shell = (command) => ['sh', '-c', `"$0" "$@" ${command}`]

    for (const touched of [false, true]) {
      const how = touched ? ', after JavaScript has written to it' : ''

      it(`as a pipe: the pipe carries the snapshot whole${how}`, async () => {
        const child = await run((touched ? `process.stdout.write('')\n` : '') + silent, {
          // The reader is slower than the writer.
          wrapper: shell('| (sleep 0.3; cat) > piped'),
        })
        readSnapshot(path.join(child.directory, 'piped'))
      })

      it(`as a file: the file is written as it is, not replaced${how}`, async () => {
        const child = await run((touched ? `process.stdout.write('')\n` : '') + silent, {
          wrapper: shell('> file && touch ended'),
        })
        assert.deepEqual(filesIn(child.directory), ['ended', 'file'])
        readSnapshot(path.join(child.directory, 'file'))
      })
    }

    it('as a socket, which is what Node gives to the children of a program: whole', async () => {
      const child = await run(silent)
      parseSnapshot(child.stdout)
    })

    it('by another name of the descriptor: the same', async () => {
      for (const name of ['/dev/fd/3', '/proc/self/fd/3']) {
        const directory = temporaryDirectory()
        const output = fs.openSync(path.join(directory, 'file'), 'w')
        await run(silent.replace('/dev/stdout', name), {
          cwd: directory,
          stdio: ['ignore', 'pipe', 'pipe', output],
        })
        fs.closeSync(output)
        assert.deepEqual(filesIn(directory), ['file'])
        readSnapshot(path.join(directory, 'file'))
      }
    })

    it('as a file that has another name by now: the same file is written', async () => {
      const directory = temporaryDirectory()
      const output = fs.openSync(path.join(directory, 'before'), 'w')
      const { ino } = fs.fstatSync(output)
      fs.renameSync(path.join(directory, 'before'), path.join(directory, 'after'))
      await run(silent, { cwd: directory, stdio: ['ignore', output, 'pipe'] })
      fs.closeSync(output)
      assert.deepEqual(filesIn(directory), ['after'])
      assert.equal(fs.statSync(path.join(directory, 'after')).ino, ino)
      readSnapshot(path.join(directory, 'after'))
    })
  })
}
