// Which objects have the same id in two live captures, what the header says of it, and what diff makes
// of that.

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { answer, NO_LIVE, PARALLEL, readSnapshot, start, VISITS } from './helpers.mjs'

/** Captures two times, with 300 visits more and the first 100 gone in between; then compares. */
const WALK = `${VISITS}
  let later = 0
  const born = (count) => { for (let i = 0; i < count; i++) visits.set('later' + later++, new Visit(i)) }
  const gone = (count) => { for (let i = 0; i < count; i++) visits.delete(i) }
  const walk = async (first, second) => {
    const a = await heapdump.writeSnapshotAsync({ filename: 'a', ...first })
    gone(100)
    born(300)
    heapdump.gc()
    const b = await heapdump.writeSnapshotAsync({ filename: 'b', ...second })
    const diff = await (await heapdump.openSnapshot('a')).diff('b')
    const row = diff.classes.find(({ name }) => name === 'Visit')
    say({ modes: [a.mode, b.mode], ids: diff.ids, row: row && [row.added, row.removed], counts: row?.counts })
    process.exit()
  }`

function read(child) {
  return ['a', 'b'].map((name) => {
    const snapshot = readSnapshot(`${child.directory}/${name}`)
    return {
      ids: new Set(snapshot.idsOf('Visit')),
      limit: snapshot.provenance.ids_stable_up_to,
      generation: snapshot.provenance.ids_generation,
    }
  })
}

const common = (a, b) => [...a.ids].filter((id) => b.ids.has(id)).length
const upTo = (limit, { ids }) => [...ids].filter((id) => id <= limit).length

describe('object ids of live captures', { ...PARALLEL, skip: NO_LIVE }, () => {
  it('mean nothing where nobody has numbered the objects', async () => {
    const child = start(`${WALK}; visit(1000); walk({ live: 'require' }, { live: 'require' })`)
    const { modes, ids, row } = await child.next()
    assert.deepEqual([modes, ids], [['live', 'live'], 'unstable'])
    assert.deepEqual(row, [200, 0], 'by counts')
    const [a, b] = read(child)
    assert.deepEqual([a.limit, b.limit], [0, 0])
  })

  it("comparable: 'once' keeps those of the objects that were there", async () => {
    const child = start(`${WALK}; visit(1000)
      const once = { live: 'require', comparable: 'once' }
      heapdump.writeSnapshotAsync(once).then(() => { born(500); return walk(once, once) })`)
    const { ids, row, counts } = await child.next()
    assert.equal(ids, 'partly')
    assert.deepEqual(row, [300, 100], 'exact, since what is gone had its own id')
    assert.deepEqual(counts, [1500, 1700])
    const [a, b] = read(child)
    assert.ok(a.limit > 0)
    assert.equal(a.limit, b.limit, 'once')
    assert.deepEqual([upTo(a.limit, a), upTo(b.limit, b)], [1000, 900])
    assert.ok(common(a, b) >= 900)
  })

  it("comparable: 'each' keeps all", async () => {
    const child = start(`${WALK}; visit(1000)
      const each = { live: 'require', comparable: 'each' }
      walk(each, each)`)
    const { ids, row } = await child.next()
    assert.equal(ids, 'partly')
    assert.deepEqual(row, [300, 100])
    const [a, b] = read(child)
    assert.ok(b.limit > a.limit, 'the new ones have their own')
    assert.deepEqual([upTo(a.limit, a), upTo(b.limit, b), common(a, b)], [1000, 1200, 900])
  })

  it("comparable: 'each' for the first alone tells exactly what came and went until the second", async () => {
    const child = start(`${WALK}; visit(1000)
      walk({ live: 'require', comparable: 'each' }, { live: 'require' })`)
    const { ids, row } = await child.next()
    assert.deepEqual([ids, row], ['partly', [300, 100]])
    const [a, b] = read(child)
    assert.equal(a.limit, b.limit)
    assert.deepEqual([upTo(a.limit, a), upTo(b.limit, b), common(a, b) >= 900], [1000, 900, true])
  })

  it('are those of snapshots in process, before and after', async () => {
    const child = start(`${WALK}; visit(1000); walk({}, { live: 'require' })`)
    const { modes, ids, row } = await child.next()
    assert.deepEqual([modes, ids, row], [['in-process', 'live'], 'partly', [300, 100]])
    const [a, b] = read(child)
    assert.equal(a.limit, undefined)
    assert.deepEqual([upTo(b.limit, b), common(a, b)], [900, 900])
  })

  it('are forgotten with comparable: false', async () => {
    const child = start(`${WALK}; visit(1000)
      heapdump.writeSnapshot('before')
      heapdump.writeSnapshot({ filename: 'forgets', comparable: false })
      walk({ live: 'require' }, { live: 'require', comparable: 'once' })`)
    const { ids } = await child.next()
    assert.equal(ids, 'unstable')
    const [a, b] = read(child)
    assert.equal(a.limit, 0)
    assert.ok(b.limit > 0, 'numbered again')
    assert.deepEqual([a.generation, b.generation], [1, 1])
  })

  for (const [name, before, options] of [
    ['NODE_HEAPDUMP_OPTIONS=live,comparable=once', '', 'live,comparable=once,quiet'],
    ['configure()', `heapdump.configure({ live: true, comparable: 'once', quiet: true })`, ''],
  ]) {
    it(`are given at the start with ${name}`, async () => {
      const child = start(
        `${VISITS}; ${before}; visit(1000)
        heapdump.on('snapshot', () => say('snapshot')); setInterval(() => {}, 1000); say('ready')`,
        { options },
      )
      await child.says('ready')
      child.kill('SIGUSR2')
      const [file] = await child.snapshots()
      const snapshot = readSnapshot(file)
      const limit = snapshot.provenance.ids_stable_up_to
      assert.ok(limit > 0)
      assert.equal(snapshot.idsOf('Visit').filter((id) => id <= limit).length, 0, 'these came later')
      child.kill('SIGKILL')
    })
  }

  it('refuse other words', async () => {
    const code = await answer(`
      require(ADDON).writeSnapshotAsync({ live: true, comparable: 'twice' }).catch(({ code }) => say(code))`)
    assert.equal(code, 'ERR_HEAPDUMP_ARGUMENT')
  })
})
