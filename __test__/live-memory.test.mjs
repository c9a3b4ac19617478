// Memory that runs out while a child writes a live snapshot: the child goes, the service stays, and is told.

import assert from 'node:assert/strict'
import fs from 'node:fs'
import { describe, it } from 'node:test'
import { MIB, makeCgroup, whyNoCgroup } from './cgroup.mjs'
import { childrenOf, filesIn, NO_LIVE, readSnapshot, start } from './helpers.mjs'

/** Every object and every string is one of its own. */
const OBJECTS = 250_000

/**
 * Captures when told to, and tells what came of it; takes memory until so much is left under the limit
 * of its cgroup, when told a number of bytes; answers at any time.
 */
const SERVICE = `
  const heapdump = require(ADDON)
  const fs = require('fs')
  const [objects, memoryGuard, limit, usage, stat, droppable] = JSON.parse(process.argv[2])
  global.kept = []
  for (let i = 0; i < objects; i++) global.kept.push({ name: 'object ' + i })
  heapdump.gc()
  const number = (file) => Number(fs.readFileSync(file, 'utf8'))
  const dropped = () => Number(new RegExp('^' + droppable + ' (\\\\d+)$', 'm').exec(fs.readFileSync(stat, 'utf8'))[1])
  const left = () => number(limit) - number(usage) + dropped()
  const taken = []
  const take = (bytes) => {
    if (left() < bytes) return say({ taken: taken.length })
    taken.push(Buffer.alloc(1 << 20, 1))
    setImmediate(take, bytes)
  }
  process.stdin.setEncoding('utf8').on('data', (text) => {
    for (const line of text.split('\\n').filter(Boolean)) {
      if (line === 'capture') {
        heapdump.writeSnapshotAsync({ filename: 'a.heapsnapshot', live: 'require', memoryGuard })
          .then((info) => say({ info }), ({ code, message, limit }) => say({ failure: { code, message, limit } }))
      } else if (line === 'answer') say({ objects: global.kept.length })
      else take(Number(line))
    }
  })
  say('ready')`

/** Starts the service in a cgroup that leaves it `left` bytes, and has it capture. */
async function capturing(cgroup, left, { objects, memoryGuard = true, fault }) {
  const { limit, usage, droppable } = cgroup
  const args = [JSON.stringify([objects, memoryGuard, limit, usage, cgroup.file('memory.stat'), droppable])]
  const child = start(SERVICE, { args, fault, wrapper: cgroup.wrapper })
  await child.says('ready')
  cgroup.leave(left)
  child.stdin.write('capture\n')
  return child
}

/** The service lives on as if nothing had been, and has no child. */
async function serves(child, objects) {
  child.stdin.write('answer\n')
  await child.says((said) => said.objects === objects)
  assert.deepEqual(childrenOf(child.pid), [])
}

const skip = NO_LIVE || whyNoCgroup()

/** As a container has it that ends as a whole. */
function whyNoGroup() {
  if (skip) return skip
  const cgroup = makeCgroup()
  const has = fs.existsSync(cgroup.file('memory.oom.group'))
  fs.rmdirSync(cgroup.directory)
  return !has && 'only version 2 of cgroups kills them as a whole'
}

describe('memory that runs out while a child runs', () => {
  for (const [what, asGroup, stop, skipped] of [
    ['its cgroup would kill somebody', false, 20 * MIB, skip],
    // Where only as much is left as would do for a child that is killed alone.
    ['its cgroup would kill all (memory.oom.group)', true, 50 * MIB, whyNoGroup()],
  ]) {
    it(`ends the child before ${what}, and tells`, { skip: skipped }, async () => {
      const cgroup = makeCgroup()
      try {
        if (asGroup) fs.writeFileSync(cgroup.file('memory.oom.group'), '1')
        const child = await capturing(cgroup, 300 * MIB, { objects: 1000, fault: 'live-linger' })
        await child.until(() => childrenOf(child.pid).length === 1, 'a child')
        child.stdin.write(`${stop}\n`)
        const { failure } = await child.says((said) => said.info || said.failure)
        assert.deepEqual([failure?.code, failure?.limit], ['ERR_HEAPDUMP_MEMORY', 'cgroup'])
        assert.match(failure.message, /memory ran short/)
        assert.equal(cgroup.kills(), 0)
        assert.deepEqual(filesIn(child.directory), [])
        await serves(child, 1000)
      } finally {
        await cgroup.remove()
      }
    })
  }

  it('is the end of the child alone, where nobody watches', { skip }, async () => {
    const cgroup = makeCgroup()
    try {
      const child = await capturing(cgroup, 60 * MIB, { objects: OBJECTS, memoryGuard: false })
      const { failure } = await child.says((said) => said.info || said.failure)
      assert.equal(failure?.code, 'ERR_HEAPDUMP_MEMORY')
      assert.match(failure.message, /the child was killed, as the kernel does/)
      assert.ok(cgroup.kills() >= 1)
      assert.deepEqual(filesIn(child.directory), [])
      await serves(child, OBJECTS)
    } finally {
      await cgroup.remove()
    }
  })

  // The estimate is passed, and the snapshot takes more: whether it fits is seen on the way.
  it('is seen on the way, where more is taken than was to be expected', { skip }, async () => {
    const cgroup = makeCgroup()
    try {
      const child = await capturing(cgroup, 420 * MIB, { objects: OBJECTS })
      const { info, failure } = await child.says((said) => said.info || said.failure)
      if (info) readSnapshot(info.path)
      else assert.equal(failure.code, 'ERR_HEAPDUMP_MEMORY')
      assert.deepEqual(filesIn(child.directory), info ? ['a.heapsnapshot'] : [])
      await serves(child, OBJECTS)
    } finally {
      await cgroup.remove()
    }
  })
})
