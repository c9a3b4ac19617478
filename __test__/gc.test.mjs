// gc(): a full garbage collection, without --expose-gc and without a trace of it.

import assert from 'node:assert/strict'
import path from 'node:path'
import { describe, it } from 'node:test'
import { answer, PARALLEL, readSnapshot, run } from './helpers.mjs'

describe('gc', PARALLEL, () => {
  it('collects what nothing holds, and only that', async () => {
    const said = await answer(`
      const heapdump = require(ADDON)
      const kept = []
      const refs = { kept: [], lost: [] }
      ;(function () {
        for (let i = 0; i < 100; i++) {
          const object = { kept: i }
          kept.push(object)
          refs.kept.push(new WeakRef(object))
          refs.lost.push(new WeakRef({ lost: i }))
        }
      })()
      // What a WeakRef was made for lives until the end of the turn.
      setTimeout(function () {
        heapdump.gc()
        function alive(list) { return list.filter(function (ref) { return ref.deref() }).length }
        say({ kept: alive(refs.kept), lost: alive(refs.lost), length: kept.length })
      }, 1)`)
    assert.deepEqual(said, { kept: 100, lost: 0, length: 100 })
  })

  it('lets finalizers run', async () => {
    const said = await answer(`
      const heapdump = require(ADDON)
      const registry = new FinalizationRegistry(function (value) { say(value); clearInterval(alive) })
      const alive = setInterval(function () {}, 1000)
      ;(function () { registry.register({}, 'finalized') })()
      setTimeout(heapdump.gc, 1)`)
    assert.equal(said, 'finalized')
  })

  it('collects old objects too', async () => {
    const said = await answer(`
      const heapdump = require(ADDON)
      function used() { return process.memoryUsage().heapUsed }
      global.kept = []
      for (let i = 0; i < 200000; i++) global.kept.push({ i: i })
      heapdump.gc()
      heapdump.gc()
      const full = used()
      global.kept = null
      setTimeout(function () {
        heapdump.gc()
        say(full - used())
      }, 1)`)
    assert.ok(said > 4 * 1024 * 1024, `${said} bytes collected`)
  })

  it('returns nothing and takes nothing', async () => {
    const said = await answer(`say({ value: typeof require(ADDON).gc('minor', {}) })`)
    assert.deepEqual(said, { value: 'undefined' })
  })

  it('leaves no global.gc behind, and neither does a snapshot', async () => {
    const child = await run(`
      const before = Object.getOwnPropertyNames(global)
      const heapdump = require(ADDON)
      heapdump.gc()
      heapdump.writeSnapshot('a.heapsnapshot')
      heapdump.writeSnapshotAsync('b.heapsnapshot').then(function () {
        heapdump.gc()
        say(typeof global.gc)
        say(require('vm').runInNewContext('typeof gc'))
        say(Object.getOwnPropertyNames(global).filter(function (name) {
          return before.indexOf(name) === -1
        }))
      })`)
    assert.deepEqual(child.said, ['undefined', 'undefined', []])
  })

  it('leaves a global.gc alone that is there', async () => {
    const child = await run(
      `
      const theirs = global.gc
      const heapdump = require(ADDON)
      heapdump.gc()
      heapdump.writeSnapshot('a.heapsnapshot')
      say(typeof theirs)
      say(global.gc === theirs)`,
      { nodeArgs: ['--expose-gc'] },
    )
    assert.deepEqual(child.said, ['function', true])
  })
})

describe('a snapshot', PARALLEL, () => {
  // V8 itself collects before it captures, so that `gc` makes no difference to what is in the file.
  it('holds no garbage', async () => {
    const child = await run(`
      class Kept {}
      class Garbage {}
      global.kept = new Kept()
      for (let i = 0; i < 1000; i++) new Garbage()
      setTimeout(function () { require(ADDON).writeSnapshot('a.heapsnapshot') }, 1)`)
    const snapshot = readSnapshot(path.join(child.directory, 'a.heapsnapshot'))
    assert.equal(snapshot.idsOf('Kept').length, 1)
    assert.equal(snapshot.idsOf('Garbage').length, 0)
  })
})
