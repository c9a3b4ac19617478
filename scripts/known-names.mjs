// node scripts/known-names.mjs: gathers the names that V8 and Node's own modules give to properties, symbols,
// classes and captured variables, for src/redact/known.txt.
//
// Each Node of NODES runs with nothing but its own modules loaded, in an empty environment and directory, and the
// names are read from its snapshot. A redacted snapshot shows these names wherever names stand.

import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { nodeBinary } from './nodes.mjs'

const NODES = ['16', '18', '20', '22', '24', '26']
const LIST = path.join(path.dirname(path.dirname(fileURLToPath(import.meta.url))), 'src/redact/known.txt')
const PROGRAM = `
  for (const name of require('module').builtinModules) try { require(name) } catch {}
  require('v8').writeHeapSnapshot('bare.heapsnapshot')`
/** Longer ones are no names, and numbers are told apart by their place. */
const MAX_LENGTH = 64

/** What the addon gives to its own objects, natively. */
const OWN = ['durationMs', 'errno', 'fallback', 'failure', 'info', 'neededBytes', 'pauseMs', 'threadId', 'trigger']
const names = new Set(OWN)
const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'rs-heapdump-names-'))
try {
  fs.writeFileSync(path.join(directory, 'bare.cjs'), PROGRAM)
  for (const major of NODES) {
    // As text, and as a file, as services are: `process.mainModule` is there then.
    for (const program of [['-e', PROGRAM], ['bare.cjs']]) {
      execFileSync(nodeBinary(major), program, { cwd: directory, env: {}, stdio: 'ignore' })
      gather(JSON.parse(fs.readFileSync(path.join(directory, 'bare.heapsnapshot'), 'utf8')))
    }
  }
} finally {
  fs.rmSync(directory, { recursive: true })
}
const list = [...names].filter((name) => !name.includes(directory) && name.length <= MAX_LENGTH).sort()
fs.writeFileSync(LIST, `${list.join('\n')}\n`)
console.log(`${list.length} names`)

function gather({ snapshot, nodes, edges, strings }) {
  const {
    node_fields: nodeFields,
    node_types: nodeTypes,
    edge_fields: edgeFields,
    edge_types: edgeTypes,
  } = snapshot.meta
  const named = (types, wanted) => new Set(wanted.map((type) => types.indexOf(type)))
  const classes = named(nodeTypes[0], ['object', 'closure'])
  const engine = named(nodeTypes[0], ['hidden', 'object shape'])
  const members = named(edgeTypes[0], ['property', 'context'])
  for (let at = 0; at < nodes.length; at += nodeFields.length) {
    const name = strings[nodes[at + 1]]
    if (classes.has(nodes[at])) add(name)
    // undefined, null, true, false
    if (engine.has(nodes[at]) && /^[a-z]+$/.test(name)) add(name)
  }
  for (let at = 0; at < edges.length; at += edgeFields.length) {
    if (members.has(edges[at])) add(strings[edges[at + 1]])
  }
}

function add(name) {
  const inner = name.replace(/^(get|set) /, '').replace(/^<symbol (.*)>$/, '$1')
  // Printable, no number, no path: those have rules of their own.
  if (/^[ -~]+$/.test(inner) && !/^\d+$/.test(inner) && !inner.includes('/')) names.add(inner)
}
