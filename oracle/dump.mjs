// Writes what DevTools computes for snapshots, for comparison with ours (see tests/oracle.rs).
//
//   node dump.mjs A.heapsnapshot [B.heapsnapshot …]
//
// Beside each FILE it leaves FILE.oracle (every node and every class), and beside each file but the
// first FILE.diff.json (the Comparison view, the file before it being the base).
//
// FILE.oracle, little-endian: "HDORACLE", u32 JSON length, the JSON padded with spaces to a multiple
// of 8 in total, then per node: f64 shallow size [n], f64 retained size [n], i32 distance [n],
// u32 dominator [n], u32 index into the JSON's `keys` [n].
import { writeFileSync } from 'node:fs'
import { load } from './load.mjs'

const warn = console.warn
console.warn = () => {} // DevTools lists unreachable nodes here.

function dumpNodes(snapshot, path) {
  const n = snapshot.nodeCount
  const shallow = new Float64Array(n)
  const retained = new Float64Array(n)
  const distance = new Int32Array(n)
  const dominator = new Uint32Array(n)
  const classKey = new Uint32Array(n)
  const keys = []
  const keyIndex = new Map()
  const node = snapshot.createNode(0)
  for (let i = 0; i < n; i++) {
    node.nodeIndex = i * snapshot.nodeFieldCount
    shallow[i] = node.selfSize()
    retained[i] = node.retainedSize()
    distance[i] = node.distance()
    dominator[i] = snapshot.dominatorsTree[i]
    const internal = node.classKeyInternal()
    const key = typeof internal === 'number' ? `,${snapshot.strings[internal]}` : internal
    let index = keyIndex.get(key)
    if (index === undefined) {
      index = keys.length
      keyIndex.set(key, index)
      keys.push(key)
    }
    classKey[i] = index
  }
  const aggregates = snapshot.getAggregatesByClassKey(false, 'allObjects')
  const classes = Object.entries(aggregates).map(([key, a]) => ({
    key,
    name: a.name,
    count: a.count,
    distance: a.distance,
    self: a.self,
    retained: a.maxRet,
  }))
  const { total, native, v8heap } = snapshot.getStatistics()
  const head = {
    nodes: n,
    total,
    native,
    v8heap,
    interfaces: JSON.parse(snapshot.interfaceDefinitions()),
    classes,
    keys,
  }
  let json = Buffer.from(JSON.stringify(head))
  const padding = (8 - ((12 + json.length) % 8)) % 8
  json = Buffer.concat([json, Buffer.alloc(padding, ' ')])
  const length = Buffer.alloc(4)
  length.writeUInt32LE(json.length)
  const bytes = (a) => Buffer.from(a.buffer, a.byteOffset, a.byteLength)
  writeFileSync(
    `${path}.oracle`,
    Buffer.concat([
      Buffer.from('HDORACLE'),
      length,
      json,
      bytes(shallow),
      bytes(retained),
      bytes(distance),
      bytes(dominator),
      bytes(classKey),
    ]),
  )
}

function dumpDiff(base, snapshot, path) {
  const baseAggregates = base.aggregatesForDiff(snapshot.interfaceDefinitions())
  const diff = snapshot.calculateSnapshotDiff(1, baseAggregates)
  const rows = Object.entries(diff).map(([key, d]) => ({
    key,
    added: d.addedCount,
    removed: d.removedCount,
    delta: d.countDelta,
    addedSize: d.addedSize,
    removedSize: d.removedSize,
    sizeDelta: d.sizeDelta,
    addedIds: d.addedIds,
    removedIds: d.deletedIds,
  }))
  writeFileSync(`${path}.diff.json`, JSON.stringify(rows))
}

const [, , ...paths] = process.argv
let base = null
for (const path of paths) {
  const started = process.cpuUsage()
  let snapshot
  try {
    snapshot = await load(path)
  } catch (error) {
    console.log(`DevTools does not read ${path}: ${error.message}`)
    base = null
    continue
  }
  if (process.env.ORACLE_TIMING) {
    const { user, system } = process.cpuUsage(started)
    warn(
      `${path}: ${((user + system) / 1e6).toFixed(2)} CPU s, ${(process.resourceUsage().maxRSS / 1024).toFixed(0)} MiB`,
    )
    continue
  }
  dumpNodes(snapshot, path)
  // NAME-1 is the first of a pair.
  if (base && !path.endsWith('-1.heapsnapshot')) dumpDiff(base, snapshot, path)
  base = snapshot
}
