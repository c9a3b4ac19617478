// What it costs to compress a snapshot while it is captured: size, processor time, wall time and pause, against none.
//
//   npm run bench:compression                       writes bench/COMPRESSION.md
//   npm run bench:compression -- --node 24 --rounds 1 --no-write
//
//   --node 20,24   majors of Node to run on
//   --rounds 3     trials of each, in another order each round
//   --no-write     to the terminal only
//
// Each trial is a fresh process with the same heap, about 100 MB of small objects. Wall is until the file has its name on the disk.

import { mkdir, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { NODE_VERSIONS } from '../scripts/nodes.mjs'
import { capture, OUTPUT } from './async-capture.mjs'
import { machineFacts } from './machine.mjs'
import { positive } from './options.mjs'
import { median } from './results.mjs'
import { inTurns } from './turns.mjs'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const PAGE = fileURLToPath(new URL('COMPRESSION.md', import.meta.url))
const WAYS = [false, 'gzip', 'zstd']

const { values } = parseArgs({
  options: {
    node: { type: 'string', default: '20,24' },
    rounds: { type: 'string', default: '3' },
    'no-write': { type: 'boolean', default: false },
  },
})
const rounds = positive('rounds', values.rounds)
await mkdir(OUTPUT, { recursive: true })
const machine = await machineFacts(ROOT, OUTPUT)

const parts = []
for (const major of values.node.split(',')) parts.push(await onNode(Number(major)))
const page = `# Compression at capture

Made by \`npm run bench:compression\` on ${machine.date}, at ${machine.commit}.
${machine.cores} cores (${machine.cpu}), ${machine.kernel}, files on ${machine.fileSystem}; load ${machine.load.toFixed(1)} at the start.

Medians of ${rounds}; each trial is a fresh process with the same heap of small objects, captured once without collecting garbage first.
The ratios are to no compression, and are what to trust; the order changes from round to round.
CPU is that of the whole process, V8's included; wall is until the file has its name.

${parts.join('\n')}`
console.log(page)
if (!values['no-write']) await writeFile(PAGE, page)

async function onNode(major) {
  const trials = await inTurns(WAYS, rounds, (compress) => capture(major, { compress }))
  const of = (way, field) => median(trials.get(way).map((each) => each[field]))
  const row = (way) => {
    const seconds = (field) =>
      `${(of(way, field) / 1000).toFixed(1)} s (${(of(way, field) / of(false, field)).toFixed(2)})`
    const size = `${(of(way, 'bytes') / 1e6).toFixed(1)} MB (1/${(of(false, 'bytes') / of(way, 'bytes')).toFixed(1)})`
    return `| ${way || 'none'} | ${size} | ${seconds('cpuMs')} | ${seconds('wallMs')} | ${seconds('pauseMs')} |`
  }
  const heap = `${(of(false, 'heapBytes') / 1e6).toFixed(0)} MB of heap in ${(of(false, 'nodes') / 1e6).toFixed(1)} million objects`
  return `## Node ${NODE_VERSIONS.get(major)}: ${heap}

| compress | size | CPU | wall | pause |
| --- | --- | --- | --- | --- |
${WAYS.map(row).join('\n')}
`
}
