// One trial of compression.mjs, in a process of its own: builds a heap, captures it once, prints what that took as JSON.
//
//   node --expose-gc compression-trial.cjs '{"compress":"zstd","file":"…"}'

const { statSync, unlinkSync } = require('node:fs')
const { writeSnapshotAsync } = require('..')
const heaps = require('./heaps.cjs')

main(JSON.parse(process.argv[2]))

async function main({ compress, file }) {
  globalThis.kept = heaps.objects()
  globalThis.gc()
  globalThis.gc()
  const heapBytes = process.memoryUsage().heapUsed
  const before = process.cpuUsage()
  const { pauseMs, durationMs, bytes, nodes } = await writeSnapshotAsync({ filename: file, compress, gc: false })
  const { user, system } = process.cpuUsage(before)
  if (statSync(file).size !== bytes) throw new Error('the file is not as long as was said')
  unlinkSync(file)
  const cpuMs = (user + system) / 1000
  process.stdout.write(JSON.stringify({ heapBytes, nodes, bytes, pauseMs, wallMs: durationMs, cpuMs }))
}
