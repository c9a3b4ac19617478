// What redaction costs: a redacted capture beside a plain one, and `rs-heapdump redact` of files.
//
//   npm run bench:redaction                       writes bench/REDACTION.md
//   npm run bench:redaction -- --node 24 --rounds 1 --sizes 100 --no-write
//
//   --node 20,24       majors of Node to capture on
//   --rounds 3         trials of each, in another order each round
//   --sizes 100,500    megabytes of the files
//   --no-write         to the terminal only
//
// Captures: each trial is a fresh process with the same heap, about 100 MB of small objects. Files: made by make-heap.mjs,
// a heap of records with many strings. Linux only, and GNU time for the peak memory of the command.

import { execFile } from 'node:child_process'
import { mkdir, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs, promisify } from 'node:util'
import { NODE_VERSIONS } from '../scripts/nodes.mjs'
import { capture, OUTPUT } from './async-capture.mjs'
import { machineFacts } from './machine.mjs'
import { positive } from './options.mjs'
import { median } from './results.mjs'
import { inTurns } from './turns.mjs'

const run = promisify(execFile)
const path = (name) => fileURLToPath(new URL(name, import.meta.url))
const ROOT = path('..')

const { values } = parseArgs({
  options: {
    node: { type: 'string', default: '20,24' },
    rounds: { type: 'string', default: '3' },
    sizes: { type: 'string', default: '100,500' },
    'no-write': { type: 'boolean', default: false },
  },
})
const rounds = positive('rounds', values.rounds)
await mkdir(OUTPUT, { recursive: true })
const machine = await machineFacts(ROOT, OUTPUT)
const megabytes = (bytes) => `${(bytes / 1e6).toFixed(1)} MB`
const seconds = (ms) => `${(ms / 1000).toFixed(1)} s`

const captures = []
for (const major of values.node.split(',').filter(Boolean)) captures.push(await capturesOn(Number(major)))
const files = []
for (const size of values.sizes.split(',').filter(Boolean)) files.push(await fileOf(Number(size)))
const page = `# What redaction costs

Made by \`npm run bench:redaction\` on ${machine.date}, at ${machine.commit}.
${machine.cores} cores (${machine.cpu}), ${machine.kernel}, files on ${machine.fileSystem}; load ${machine.load.toFixed(1)} at the start.
Medians of ${rounds}. CPU is that of the whole process, V8's included; the ratios are to the plain capture, and are what to
trust where the load is high. Peak is what the capture added to the resident memory at most.

## While capturing

| Node | heap | capture | size | CPU | wall | pause | peak |
| --- | --- | --- | --- | --- | --- | --- | --- |
${captures.join('\n')}

## After the fact

\`rs-heapdump redact IN OUT\`; throughput is by CPU time, peak that of the whole process, Node included.

| file | nodes | redacted | CPU | throughput | wall | peak |
| --- | --- | --- | --- | --- | --- | --- |
${files.join('\n')}
`
console.log(page)
if (!values['no-write']) await writeFile(path('REDACTION.md'), page)

async function capturesOn(major) {
  const ways = [false, true]
  const trials = await inTurns(ways, rounds, (redact) => capture(major, { redact }))
  const of = (redact, field) => median(trials.get(redact).map((each) => each[field]))
  const row = (redact) => {
    const ratio = (field) => `(${(of(redact, field) / of(false, field)).toFixed(2)})`
    const time = (field) => `${seconds(of(redact, field))} ${ratio(field)}`
    const space = (field) => `${megabytes(of(redact, field))} ${ratio(field)}`
    const heap = `${megabytes(of(false, 'heapBytes'))}, ${(of(false, 'nodes') / 1e6).toFixed(1)} million nodes`
    const way = redact ? 'redacted' : 'plain'
    return `| ${NODE_VERSIONS.get(major)} | ${heap} | ${way} | ${space('bytes')} | ${time('cpuMs')} | ${time('wallMs')} | ${time('pauseMs')} | ${space('peakBytes')} |`
  }
  return ways.map(row).join('\n')
}

async function fileOf(size) {
  await run(process.execPath, ['--max-old-space-size=12000', path('make-heap.mjs'), OUTPUT, String(size)])
  const [file, redacted] = ['', '-redacted'].map((suffix) => join(OUTPUT, `bench-${size}${suffix}.heapsnapshot`))
  const trials = []
  for (let round = 0; round < rounds; round++) {
    const command = [process.execPath, join(ROOT, 'cli.js'), 'redact', file, redacted, '--json']
    const { stdout, stderr } = await run('/usr/bin/time', ['-f', '%U %S %e %M', ...command])
    const [user, system, wall, peakKilobytes] = stderr.trim().split('\n').at(-1).split(' ').map(Number)
    const times = { cpuMs: (user + system) * 1000, wallMs: wall * 1000, peakBytes: peakKilobytes * 1024 }
    trials.push({ ...JSON.parse(stdout), ...times })
  }
  const { size: bytes } = await stat(file)
  await Promise.all([file, redacted].map((each) => rm(each)))
  const of = (field) => median(trials.map((each) => each[field]))
  const throughput = `${(bytes / 1000 / of('cpuMs')).toFixed(0)} MB/s`
  const times = `${seconds(of('cpuMs'))} | ${throughput} | ${seconds(of('wallMs'))}`
  return `| ${megabytes(bytes)} | ${(of('nodes') / 1e6).toFixed(1)} million | ${megabytes(of('redacted_bytes'))} | ${times} | ${megabytes(of('peakBytes'))} |`
}
