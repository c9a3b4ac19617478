// What async-capture.mjs runs: builds a heap, captures it once, prints what that took as JSON.
//
//   node --expose-gc async-trial.cjs '{"options":{"compress":"zstd"},"file":"…"}'
//
// Linux only: peak memory is VmHWM of /proc/self/status, which /proc/self/clear_refs resets.

const { readFileSync, statSync, unlinkSync, writeFileSync } = require('node:fs')
const { writeSnapshotAsync } = require('..')
const heaps = require('./heaps.cjs')

main(JSON.parse(process.argv[2]))

async function main({ options, file }) {
  globalThis.kept = heaps.objects()
  globalThis.gc()
  globalThis.gc()
  const heapBytes = process.memoryUsage().heapUsed
  const rssBytes = statusBytes('VmRSS')
  writeFileSync('/proc/self/clear_refs', '5')
  const before = process.cpuUsage()
  const { pauseMs, durationMs, bytes, nodes } = await writeSnapshotAsync({ filename: file, gc: false, ...options })
  const { user, system } = process.cpuUsage(before)
  const peakBytes = statusBytes('VmHWM') - rssBytes
  if (statSync(file).size !== bytes) throw new Error('the file is not as long as was said')
  unlinkSync(file)
  const cpuMs = (user + system) / 1000
  process.stdout.write(JSON.stringify({ heapBytes, nodes, bytes, pauseMs, wallMs: durationMs, cpuMs, peakBytes }))
}

function statusBytes(field) {
  const status = readFileSync('/proc/self/status', 'utf8')
  return Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(status)[1]) * 1024
}
