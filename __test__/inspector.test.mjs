// Debuggers and captures do not get into each other's way.

import assert from 'node:assert/strict'
import path from 'node:path'
import { describe, it } from 'node:test'
import { PARALLEL, readSnapshot, run } from './helpers.mjs'

describe('an inspector session of the program', PARALLEL, () => {
  it('stays as it was: breakpoints are hit before and after a snapshot', async () => {
    const child = await run(`
      const inspector = require('inspector')
      const heapdump = require(ADDON)
      const session = new inspector.Session()
      session.connect()
      let paused = 0
      session.on('Debugger.paused', function () { paused++ })
      session.post('Debugger.enable')
      debugger
      heapdump.writeSnapshot('1.heapsnapshot')
      debugger
      heapdump.writeSnapshotAsync('2.heapsnapshot').then(function () {
        debugger
        session.post('Debugger.disable')
        debugger
        heapdump.writeSnapshot('3.heapsnapshot')
        debugger
        say(paused)
        session.disconnect()
      })`)
    assert.deepEqual(child.said, [3])
    for (const name of ['1', '2', '3']) {
      readSnapshot(path.join(child.directory, `${name}.heapsnapshot`))
    }
  })

  it('that is paused can take a snapshot, and goes on', async () => {
    const child = await run(`
      const inspector = require('inspector')
      const heapdump = require(ADDON)
      const session = new inspector.Session()
      session.connect()
      let calls = 0
      session.on('Debugger.paused', function () {
        calls++
        say(heapdump.writeSnapshot('paused.heapsnapshot'))
      })
      session.post('Debugger.enable')
      debugger
      say('goes on')
      debugger
      say(calls)
      session.disconnect()`)
    assert.deepEqual(child.said, [true, 'goes on', true, 2])
    readSnapshot(path.join(child.directory, 'paused.heapsnapshot'))
  })

  it('can take its own snapshot before and after ours, with the same ids', async () => {
    const child = await run(`
      const fs = require('fs')
      const inspector = require('inspector')
      const heapdump = require(ADDON)
      class Marked {}
      global.kept = new Marked()
      const session = new inspector.Session()
      session.connect()
      function theirs() {
        const chunks = []
        const collect = function (message) { chunks.push(message.params.chunk) }
        session.on('HeapProfiler.addHeapSnapshotChunk', collect)
        return new Promise(function (resolve) {
          session.post('HeapProfiler.takeHeapSnapshot', { reportProgress: false }, function () {
            session.removeListener('HeapProfiler.addHeapSnapshotChunk', collect)
            resolve(JSON.parse(chunks.join('')))
          })
        })
      }
      function id(snapshot) {
        const fields = snapshot.snapshot.meta.node_fields
        for (let node = 0; node < snapshot.nodes.length; node += fields.length) {
          const name = snapshot.strings[snapshot.nodes[node + fields.indexOf('name')]]
          if (name === 'Marked' && snapshot.nodes[node] === 3) {
            return snapshot.nodes[node + fields.indexOf('id')]
          }
        }
      }
      const alive = setInterval(function () {}, 1000)
      theirs().then(function (before) {
        heapdump.writeSnapshot('ours.heapsnapshot')
        return theirs().then(function (after) { say([id(before), id(after)]) })
      }).then(function () { clearInterval(alive) })`)
    const [ours] = readSnapshot(path.join(child.directory, 'ours.heapsnapshot')).idsOf('Marked')
    assert.deepEqual(child.said, [[ours, ours]])
  })
})

describe('a process that is being debugged', PARALLEL, () => {
  it('prints nothing of ours and captures as ever', async () => {
    const child = await run(`say(require(ADDON).writeSnapshot('a.heapsnapshot'))`, {
      nodeArgs: ['--inspect=127.0.0.1:0'],
    })
    assert.deepEqual(child.said, [true])
    const foreign = child.complaints().filter((line) => !/^(Debugger listening|For help)/.test(line))
    assert.deepEqual(foreign, [])
    readSnapshot(path.join(child.directory, 'a.heapsnapshot'))
  })
})
