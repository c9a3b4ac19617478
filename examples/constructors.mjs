// Counts the constructors in a heap snapshot, and tells which of them grow from file to file.
//
// Names are those of DevTools: objects by their class, all closures as "Function", all strings as
// "(string)". Two things are simpler than there: plain objects all count as "Object", and the backing
// store of an array counts as "(array)", not with its owner.
//
// Cost: the whole file is read by JSON.parse, which ends at 512 MB. Good for a demo.

import { readFile } from 'node:fs/promises'

/** V8's and the machine's own things. They grow while code warms up, which is not a leak. */
const SYSTEM_TYPES = new Set(['hidden', 'code', 'object shape', 'synthetic'])

/** DevTools' class name of a node. */
function className(type, name) {
  switch (type) {
    case 'object':
    case 'native':
      return name
    case 'closure':
      return 'Function'
    case 'regexp':
      return 'RegExp'
    default:
      return `(${type})`
  }
}

/**
 * Reads a snapshot.
 *
 * @param {string} file
 * @returns {Promise<Map<string, { count: number, bytes: number }>>} by constructor; bytes are shallow
 */
export async function countConstructors(file) {
  const { snapshot, nodes, strings } = JSON.parse(await readFile(file, 'utf8'))

  // Fields come and go between V8 versions: ask the file where they are.
  const fields = snapshot.meta.node_fields
  const typeNames = snapshot.meta.node_types[fields.indexOf('type')]
  const typeOffset = fields.indexOf('type')
  const nameOffset = fields.indexOf('name')
  const sizeOffset = fields.indexOf('self_size')

  const constructors = new Map()
  for (let node = 0; node < nodes.length; node += fields.length) {
    const type = typeNames[nodes[node + typeOffset]]
    const bytes = nodes[node + sizeOffset]
    if (SYSTEM_TYPES.has(type) || bytes === 0) continue
    const name = className(type, strings[nodes[node + nameOffset]])
    const entry = constructors.get(name)
    if (entry) {
      entry.count++
      entry.bytes += bytes
    } else {
      constructors.set(name, { count: 1, bytes })
    }
  }
  return constructors
}

/**
 * The constructors whose count grew at every step, those that gained the most bytes first.
 *
 * @param {Map<string, { count: number, bytes: number }>[]} snapshots in the order of time
 * @returns {{ name: string, counts: number[], delta: number, deltaBytes: number }[]}
 */
export function growth(snapshots) {
  const none = { count: 0, bytes: 0 }
  const grown = []
  for (const name of snapshots.at(-1).keys()) {
    const entries = snapshots.map((constructors) => constructors.get(name) ?? none)
    const counts = entries.map((entry) => entry.count)
    if (!counts.every((count, step) => step === 0 || count > counts[step - 1])) continue
    grown.push({
      name,
      counts,
      delta: counts.at(-1) - counts[0],
      deltaBytes: entries.at(-1).bytes - entries[0].bytes,
    })
  }
  return grown.sort((a, b) => b.deltaBytes - a.deltaBytes)
}
