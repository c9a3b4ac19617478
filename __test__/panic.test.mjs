// A panic in our own code becomes an error of the call; the process goes on.

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { filesIn, PARALLEL, run, start } from './helpers.mjs'

const CODE = /^ERR_HEAPDUMP_[A-Z]+$/

for (const fault of ['panic', 'panic,no-tmpfile']) {
  describe(`a panic while V8 hands over the snapshot (${fault})`, PARALLEL, () => {
    it('is an error of both forms, and leaves no file', async () => {
      const child = await run(
        `
        const heapdump = require(ADDON)
        let returned = heapdump.writeSnapshot('a.heapsnapshot', function (err) { say(err.code) })
        say(returned)
        heapdump.writeSnapshotAsync('a.heapsnapshot').catch(function (err) {
          say(err.code)
          heapdump.gc()
          returned = heapdump.writeSnapshot('a.heapsnapshot', function (err) { say(err.code) })
          say(returned)
        })`,
        { fault },
      )
      const [sync, first, async, again, second] = child.said
      for (const code of [sync, async, again]) assert.match(code, CODE)
      assert.equal(sync, async)
      assert.equal(sync, again)
      assert.deepEqual([first, second], [false, false])
      assert.deepEqual(filesIn(child.directory), [])
    })

    it('is an error event of a signal, in a busy loop too', async () => {
      const child = start(
        `
        const heapdump = require(ADDON)
        heapdump.on('error', function (err) { say(err.code) })
        process.on('SIGTERM', function () { process.exit(0) })
        setInterval(function () {}, 1000)
        process.stdin.once('data', function () {
          say('busy')
          const end = Date.now() + 1000
          while (Date.now() < end) {}
          say('free')
        })
        say('ready')`,
        { fault },
      )
      await child.says('ready')
      child.kill('SIGUSR2')
      assert.match(await child.next(), CODE)
      child.stdin.write('x')
      await child.says('busy')
      child.kill('SIGUSR2')
      await child.says('free')
      assert.match(await child.next(), CODE)
      child.kill('SIGTERM')
      await child.endsWell()
      assert.deepEqual(filesIn(child.directory), [])
    })
  })
}
