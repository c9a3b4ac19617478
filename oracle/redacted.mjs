// Checks that DevTools computes the same of a redacted snapshot as of the plain one.
//
//   node redacted.mjs A.heapsnapshot [B.heapsnapshot …]
//
// Each file is redacted with `rs-heapdump redact`, and both are loaded by DevTools' own worker: every node must
// have the same shallow size, retained size, distance and dominator, and be of the same class. Classes that keep
// their name must have the same row of the Summary under it; of the others, whose name has a tag in it, the rows
// must match one by one, the nodes in them being the same.

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { load } from './load.mjs'

const CLI = join(dirname(fileURLToPath(import.meta.url)), '../cli.js')
console.warn = () => {} // DevTools lists unreachable nodes here.

/** What DevTools says of each node, and of each class. */
function figures(snapshot) {
  const node = snapshot.createNode(0)
  const nodes = Array.from({ length: snapshot.nodeCount }, (_, index) => {
    node.nodeIndex = index * snapshot.nodeFieldCount
    return {
      id: node.id(),
      shallow: node.selfSize(),
      retained: node.retainedSize(),
      distance: node.distance(),
      dominator: snapshot.dominatorsTree[index],
    }
  })
  const classOf = nodes.map((_, index) => {
    node.nodeIndex = index * snapshot.nodeFieldCount
    return node.classKeyInternal()
  })
  const classes = Object.values(snapshot.getAggregatesByClassKey(false, 'allObjects')).map(
    ({ name, count, distance, self, maxRet }) => ({ name, count, distance, self, retained: maxRet }),
  )
  return { nodes, classOf, classes, statistics: snapshot.getStatistics() }
}

/** Equal numbers for nodes of one class, by the first of them. */
function partition(classOf) {
  const first = new Map()
  return classOf.map((key, index) => {
    if (!first.has(key)) first.set(key, index)
    return first.get(key)
  })
}

const isTagged = ({ name }) => name.includes('~')
const whole = (row) => JSON.stringify(row)
const withoutName = ({ name: _, ...figures }) => whole(figures)

const directory = mkdtempSync(join(tmpdir(), 'rs-heapdump-oracle-'))
try {
  for (const file of process.argv.slice(2)) {
    const redacted = join(directory, basename(file))
    execFileSync(process.execPath, [CLI, 'redact', file, redacted], { stdio: ['ignore', 'ignore', 'inherit'] })
    const [before, after] = [figures(await load(file)), figures(await load(redacted))]
    rmSync(redacted)
    assert.deepEqual(after.nodes, before.nodes)
    assert.deepEqual(after.statistics, before.statistics)
    assert.deepEqual(partition(after.classOf), partition(before.classOf))
    // Several classes may have one name.
    const rows = before.classes.map(whole)
    const tagged = after.classes.filter(isTagged)
    for (const row of after.classes.filter((row) => !isTagged(row)).map(whole)) {
      assert.ok(rows.includes(row), `DevTools has ${row} of the redacted file alone`)
      rows.splice(rows.indexOf(row), 1)
    }
    const nameless = rows.map((row) => withoutName(JSON.parse(row)))
    assert.deepEqual(tagged.map(withoutName).sort(), nameless.sort())
    const { length } = after.classes
    console.log(`${basename(file)}: ${after.nodes.length} nodes, ${length} classes, ${tagged.length} of them by tag`)
  }
} finally {
  rmSync(directory, { recursive: true })
}
