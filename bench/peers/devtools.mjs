// DevTools' own worker: loads snapshots and prints totals as JSON.
//
//   node devtools.mjs FILE           loads, which computes distances, dominators and retained sizes
//   node devtools.mjs BASE FILE      ... both, and compares them, as the Comparison view does

import { load } from '../../oracle/load.mjs'

console.warn = () => {} // DevTools lists unreachable nodes here.

const [, , ...files] = process.argv
const snapshots = []
for (const file of files) snapshots.push(await load(file))
const [base, last] = snapshots
console.log(JSON.stringify(last ? comparison(base, last) : totals(base)))

function totals({ nodeCount, containmentEdges, edgeFieldsCount, retainedSizes }) {
  const retainedSummed = retainedSizes.reduce((sum, size) => sum + size, 0)
  return {
    nodes: nodeCount,
    edges: containmentEdges.length / edgeFieldsCount,
    retainedByRoot: retainedSizes[0],
    retainedSummed,
  }
}

function comparison(before, after) {
  const definitions = after.interfaceDefinitions()
  const diff = Object.values(after.calculateSnapshotDiff(1, before.aggregatesForDiff(definitions)))
  const sum = (field) => diff.reduce((total, row) => total + row[field], 0)
  return {
    classes: diff.length,
    added: sum('addedCount'),
    removed: sum('removedCount'),
    sizeDelta: sum('sizeDelta'),
  }
}
