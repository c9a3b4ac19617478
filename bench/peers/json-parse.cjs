// JSON.parse: nothing but the text as JavaScript's values, for scale. Prints totals as JSON.
//
//   node json-parse.cjs FILE

const { readFileSync } = require('node:fs')

const { snapshot, nodes, edges } = JSON.parse(readFileSync(process.argv[2], 'latin1'))
const { node_fields: nodeFields, edge_fields: edgeFields } = snapshot.meta
console.log(JSON.stringify({ nodes: nodes.length / nodeFields.length, edges: edges.length / edgeFields.length }))
