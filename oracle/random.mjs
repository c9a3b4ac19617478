// Makes small random snapshots that no V8 would write, with every rule of DevTools in play, for comparison
// with DevTools itself: node oracle/random.mjs OUT_DIR COUNT [FIRST_SEED]; then node oracle/all.mjs OUT_DIR.
//
// They come in pairs, the second with some nodes gone, some new and some changed.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const [, , directory, count = '100', firstSeed = '1'] = process.argv
mkdirSync(directory, { recursive: true })

const NODE_TYPES = [
  'hidden',
  'array',
  'string',
  'object',
  'code',
  'closure',
  'regexp',
  'number',
  'native',
  'synthetic',
  'concatenated string',
  'sliced string',
  'symbol',
  'bigint',
  'object shape',
  'some new type',
]
const EDGE_TYPES = ['context', 'element', 'property', 'internal', 'hidden', 'shortcut', 'weak']
const NAMES = [
  'Object',
  'Object',
  'Object',
  'Object',
  'Widget',
  'Gadget',
  '(Document DOM trees)',
  '(map descriptors)',
  'system / NativeContext',
  'system / ExternalStringData',
  '<div id="x">',
  '<div>',
  '<p class=a b>',
  'Detached <b x>',
  'system / Map',
  '(GC roots)',
  'Node / Thing',
  '',
  'h\u00e9',
  '\ud83d',
  '\u{1f600}',
  'line\nend',
]
const PROPERTIES = [
  'a',
  'b',
  'c',
  'd',
  'e',
  '__proto__',
  'with, comma',
  '"quoted"',
  '{',
  "it's",
  '\u{1f600}',
  '\ud83d{',
  'x'.repeat(70),
  'y'.repeat(60),
  '',
  'sloppy_function_map',
  'map',
  '7',
  '4',
  'Z',
  'aa',
  '\u00e9',
  '\uffff',
]

function make(seed) {
  let state = (seed * 2654435761) >>> 0 || 1
  const random = (below) => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) % below
  }
  const pick = (list) => list[random(list.length)]
  const exposeInternals = random(10) === 0
  const size = 2 + random(120)
  const pool = Array.from({ length: size }, (_, i) => ({
    type: i === 0 ? 9 : pick([0, 1, 3, 3, 3, 3, 8, 9, random(NODE_TYPES.length), random(NODE_TYPES.length)]),
    name: i === 0 ? '' : pick(NAMES),
    id: 2 * i + 1,
    size: pick([0, 8, 16, 24, random(5000)]),
    detached: random(12) ? 0 : random(3),
    edges: [],
    place: random(3) ? null : [random(3), random(2), random(2)],
  }))
  const edge = (type, name, to) => ({ type, name, to })
  for (const node of pool) {
    const template = random(4)
    const edges = random(node === pool[0] ? 8 : 6)
    if (NODE_TYPES[node.type] === 'object' && template) {
      const names = [
        ['a', 'b'],
        ['b', 'a'],
        ['a', 'b', 'c'],
        ['__proto__', 'c', 'a'],
        ['with, comma', '{'],
        ['x'.repeat(70), 'y'.repeat(60)],
      ][random(6)]
      for (const name of names) node.edges.push(edge('property', name, pick(pool)))
    }
    for (let i = 0; i < edges; i++) {
      const type =
        node === pool[0] ? pick(['shortcut', 'element', 'element', 'element', 'weak', 'internal']) : pick(EDGE_TYPES)
      const to = node === pool[0] && exposeInternals ? pool[0] : pick(pool)
      node.edges.push(
        edge(
          type,
          type === 'element' || type === 'hidden'
            ? random(9)
            : type === 'shortcut'
              ? String(random(3))
              : pick(PROPERTIES),
          to,
        ),
      )
    }
  }
  for (let pairs = random(8); pairs > 0; pairs--) {
    const [key, value, table] = [pick(pool), pick(pool), pick(pool)]
    const common = ` / part of key (K @${key.id}) -> value (${pick(['V', 'line\nend', 'V) -> value (W @1'])} @${value.id}) pair in WeakMap (table @${table.id})`
    key.edges.push(edge('internal', `${random(5)}${common}`, value))
    table.edges.push(edge(pick(['internal', 'internal', 'internal', 'hidden']), `${random(5)}${common}`, value))
  }
  for (const node of pool) {
    for (const e of node.edges)
      if (e.type === 'hidden' || e.type === 'element') e.name = typeof e.name === 'number' ? e.name : random(9)
  }
  return { pool, random }
}

function write(path, pool) {
  const strings = ['<dummy>']
  const indices = new Map()
  const string = (text) => {
    if (!indices.has(text)) {
      indices.set(text, strings.length)
      strings.push(text)
    }
    return indices.get(text)
  }
  const position = new Map(pool.map((node, i) => [node, i]))
  const nodes = []
  const edges = []
  const locations = []
  for (const node of pool) {
    const kept = node.edges.filter((e) => position.has(e.to))
    nodes.push(node.type, string(node.name), node.id, node.size, kept.length, 0, node.detached)
    for (const e of kept)
      edges.push(
        EDGE_TYPES.indexOf(e.type),
        typeof e.name === 'number' ? e.name : string(e.name),
        position.get(e.to) * 7,
      )
    if (node.place) locations.push(position.get(node) * 7, ...node.place)
  }
  const meta = {
    node_fields: ['type', 'name', 'id', 'self_size', 'edge_count', 'trace_node_id', 'detachedness'],
    node_types: [NODE_TYPES, 'string', 'number', 'number', 'number', 'number', 'number'],
    edge_fields: ['type', 'name_or_index', 'to_node'],
    edge_types: [EDGE_TYPES, 'string_or_number', 'node'],
    location_fields: ['object_index', 'script_id', 'line', 'column'],
  }
  writeFileSync(
    path,
    JSON.stringify({
      snapshot: { meta, node_count: nodes.length / 7, edge_count: edges.length / 3, trace_function_count: 0 },
      nodes,
      edges,
      trace_function_infos: [],
      trace_tree: [],
      samples: [],
      locations,
      strings,
    }).replace(/[\u0080-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`),
  ) // as V8 does
}

for (let seed = Number(firstSeed); seed < Number(firstSeed) + Number(count); seed++) {
  const { pool, random } = make(seed)
  const name = join(directory, `random-${seed}`)
  write(`${name}-1.heapsnapshot`, pool)
  const later = pool.filter((_, i) => i === 0 || random(6))
  for (const node of later) if (random(4) === 0) node.size = random(3) * 16
  write(`${name}-2.heapsnapshot`, later)
}
