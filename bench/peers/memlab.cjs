// memlab's core: loads a snapshot, computes dominators and retained sizes, prints totals as JSON.
//
//   node memlab.cjs FILE

const { TraceFinder, config, utils } = require('@memlab/core')

config.muteConsole = true

main(process.argv[2])

async function main(file) {
  const snapshot = await utils.getSnapshotFromFile(file, { buildNodeIdIndex: false })
  // What `memlab analyze` does before its own work, without the shortest paths.
  new TraceFinder().calculateAllNodesRetainedSizes(snapshot)
  const { nodes, edges } = snapshot
  let retainedSummed = 0
  for (let at = 0; at < nodes.length; at++) retainedSummed += nodes.get(at).retainedSize
  const retainedByRoot = nodes.get(0).retainedSize
  console.log(JSON.stringify({ nodes: nodes.length, edges: edges.length, retainedByRoot, retainedSummed }))
}
