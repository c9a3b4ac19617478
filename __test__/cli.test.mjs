// The command line reads what the addon writes, on the Node under test.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { before, describe, it } from 'node:test'
import { CLI, NODE, readSnapshot, run, temporaryDirectory, testedNodeVersion, VISITS } from './helpers.mjs'

function cli(...args) {
  const { status, stdout, stderr } = spawnSync(NODE, [CLI, ...args], {
    encoding: 'utf8',
    env: { ...process.env, COLUMNS: '100' },
    maxBuffer: 1 << 28,
  })
  return { status, stdout, stderr }
}

function json(...args) {
  const { status, stdout, stderr } = cli(...args, '--json')
  assert.equal(status, 0, stderr)
  return { ...JSON.parse(stdout), stderr }
}

describe('rs-heapdump', () => {
  const directory = temporaryDirectory()
  const file = (name) => path.join(directory, `${name}.heapsnapshot`)
  let child

  before(async () => {
    child = await run(
      `${VISITS}
      visit(10)
      heapdump.writeSnapshot('before.heapsnapshot')
      visit(100)
      heapdump.writeSnapshot({ filename: 'between.heapsnapshot', comparable: false })
      visit(1000)
      heapdump.writeSnapshot('after.heapsnapshot')`,
      { cwd: directory },
    )
  })

  it('info tells who wrote a file, and when', () => {
    const { provenance } = json('info', file('before'))
    assert.equal(provenance.pid, child.pid)
    assert.equal(provenance.ids_generation, 0)
    assert.equal(json('info', file('after')).provenance.ids_generation, 1)
    assert.equal(provenance.node_version, testedNodeVersion())
    assert.equal(provenance.thread_id, 0)
    assert.match(cli('info', file('before')).stdout, new RegExp(`pid ${child.pid}, main thread`))
  })

  it('summary lists constructors with counts, sizes and places', () => {
    const { snapshot, classes } = json('summary', file('after'))
    const { header } = readSnapshot(file('after'))
    assert.equal(snapshot.nodes, header.node_count)
    assert.equal(snapshot.edges, header.edge_count)
    const visit = classes.find(({ name }) => name === 'Visit')
    assert.equal(visit.count, 1110)
    assert.ok(visit.retained_bytes >= visit.shallow_bytes && visit.shallow_bytes > 0)
    assert.match(visit.script.file, /script\.cjs$/)
    assert.equal(visit.script.line, 4)
  })

  it('diff compares object by object where ids compare', () => {
    const { ids, classes, stderr } = json('diff', file('before'), file('between'))
    assert.equal(ids, 'comparable')
    assert.equal(stderr, '')
    const { added, removed, delta, counts } = classes.find(({ name }) => name === 'Visit')
    assert.deepEqual({ added, removed, delta, counts }, { added: 100, removed: 0, delta: 100, counts: [10, 110] })
  })

  it('diff compares counts, and says so, where objects were numbered anew in between', () => {
    const { ids, classes, stderr } = json('diff', file('before'), file('after'))
    assert.equal(ids, 'unstable')
    assert.match(stderr, /compared by counts/)
    assert.equal(classes.find(({ name }) => name === 'Visit').delta, 1100)
  })

  it('diff of three files has a count for each', () => {
    const { snapshots, classes } = json('diff', file('before'), file('between'), file('after'))
    assert.equal(snapshots.length, 3)
    assert.deepEqual(classes.find(({ name }) => name === 'Visit').counts, [10, 110, 1110])
  })

  it('retainers names the variable that holds an object', () => {
    const { status, stdout } = cli('retainers', file('after'), '--class', 'Visit')
    assert.equal(status, 0)
    assert.match(stdout, /visits/)
    assert.match(stdout, /Map/)
  })

  it('dominators shows what would be freed with what', () => {
    const { status, stdout } = cli('dominators', file('after'))
    assert.equal(status, 0)
    assert.match(stdout, /Retained/)
  })

  it('says what is wrong, and exits with 2', () => {
    const cut = file('cut')
    fs.writeFileSync(cut, fs.readFileSync(file('after')).subarray(0, 500_000))
    const cases = [
      [['summary', cut], /ERR_HEAPDUMP_FORMAT/],
      [['summary', file('missing')], /ERR_HEAPDUMP_IO/],
      [['summary'], /ERR_HEAPDUMP_ARGUMENT/],
      [['sumary', cut], /ERR_HEAPDUMP_ARGUMENT/],
    ]
    for (const [args, code] of cases) {
      const { status, stdout, stderr } = cli(...args)
      assert.equal(status, 2, args.join(' '))
      assert.match(stderr, code)
      assert.equal(stdout, '')
    }
  })

  it('reads into a pipe that nobody reads to the end', () => {
    const script = `"${NODE}" "${CLI}" summary --json "${file('after')}" | head -c 100`
    const { status, stderr } = spawnSync('sh', ['-c', script], { encoding: 'utf8' })
    assert.equal(status, 0)
    assert.equal(stderr, '')
  })
})
