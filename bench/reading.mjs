// Measures reading: load, dominators and retained sizes, and Comparison, against other readers of heap
// snapshots; our commands; scanning against `cat`. Time, CPU time, memory, and the totals of each.
//
//   npm run bench:reading                                         everything, into bench/READING.md
//   npm run bench:reading -- --sizes 50 --readers ours,devtools   a part, to the terminal only
//
//   --dir DIR              where the heaps are, or are made (bench/make-heap.mjs); in the temporary
//                          directory by default, and left there: 4 GB
//   --sizes 50,500,2500    in MB
//   --readers ours,devtools,memlab,v8-heap-parser,dinfuehr,json-parse
//   --parts load,diff,commands,scan
//   --rounds 3             trials of each reader
//   --slow-seconds 120     no further trial of one that took longer
//   --timeout-seconds 900  for one trial
//   --nice=N               priority of what is measured, of all alike (less than 0: as root)
//   --out FILE             where the Markdown goes
//
// Each trial is a process of its own, and there is never more than one. A round has one trial of each
// reader, and begins with another one each time. Needs Linux, Rust, 16 GB of memory for others than ours,
// and the registries of npm and crates.io. Takes about an hour; a third of it is one reader on one file.

import { execFile, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { constants, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs, promisify } from 'node:util'
import { createGzip } from 'node:zlib'
import { machineFacts } from './machine.mjs'
import { choose, positive } from './options.mjs'
import { CLI, MEASURE, prepare, READERS, versions } from './readers.mjs'
import { keptNotes, render } from './reading-results.mjs'
import { turns } from './turns.mjs'

const run = promisify(execFile)
const ROOT = fileURLToPath(new URL('..', import.meta.url))
const MAKE_HEAP = fileURLToPath(new URL('make-heap.mjs', import.meta.url))
const RESULTS = fileURLToPath(new URL('READING.md', import.meta.url))

const SIZES = ['50', '500', '2500']
/** What is compared with a heap of this size: the same process, when it was so large. */
const BASES = { 500: '450' }
const PARTS = ['load', 'diff', 'commands', 'scan']
const ROUNDS = 3
const MAKING_HEAP_MEGABYTES = 12_000

const options = readOptions()
const progress = (line) => process.stderr.write(`${line}\n`)
let measured = null
process.on('exit', () => measured?.pid && killGroup(measured.pid))
process.on('SIGINT', () => process.exit(128 + constants.signals.SIGINT))

progress('getting what we are measured against')
await prepare()
const report = {
  machine: await machineFacts(ROOT, options.directory),
  node: process.versions.node,
  versions: await versions(),
  rounds: options.rounds,
  slowSeconds: options.slowSeconds,
  timeoutSeconds: options.timeoutSeconds,
  nice: options.nice,
  heaps: [],
}
for (const size of options.sizes) report.heaps.push(await measureHeap(await heapOf(size)))
report.loadAtEnd = loadavg()[1]

const markdown = render(report, await keptNotes(RESULTS))
console.log(markdown)
if (options.out) {
  await writeFile(options.out, markdown)
  progress(`written: ${options.out}`)
} else {
  progress('bench/READING.md is left as it is: this was a part of the measurement (see --out)')
}

function readOptions() {
  const { values } = parseArgs({
    options: {
      dir: { type: 'string', default: join(tmpdir(), 'rs-heapdump-bench') },
      sizes: { type: 'string', default: SIZES.join() },
      readers: { type: 'string', default: Object.keys(READERS).join() },
      parts: { type: 'string', default: PARTS.join() },
      rounds: { type: 'string', default: String(ROUNDS) },
      'slow-seconds': { type: 'string', default: '120' },
      'timeout-seconds': { type: 'string', default: '900' },
      nice: { type: 'string' },
      out: { type: 'string' },
    },
  })
  const chosen = {
    directory: values.dir,
    sizes: choose('sizes', values.sizes, SIZES),
    readers: choose('readers', values.readers, Object.keys(READERS)),
    parts: choose('parts', values.parts, PARTS),
    rounds: positive('rounds', values.rounds),
    slowSeconds: positive('slow-seconds', values['slow-seconds']),
    timeoutSeconds: positive('timeout-seconds', values['timeout-seconds']),
    nice: values.nice,
  }
  const whole =
    chosen.sizes.length === SIZES.length &&
    chosen.readers.length === Object.keys(READERS).length &&
    chosen.parts.length === PARTS.length &&
    chosen.rounds >= ROUNDS
  return { ...chosen, out: values.out ?? (whole ? RESULTS : null) }
}

/** The files of a size, made unless they are there and were made by this script on this Node. */
async function heapOf(size) {
  await mkdir(options.directory, { recursive: true })
  const file = join(options.directory, `bench-${size}.heapsnapshot`)
  const base = BASES[size] ? join(options.directory, `bench-${size}-base.heapsnapshot`) : null
  const script = createHash('sha256').update(await readFile(MAKE_HEAP))
  const madeBy = `make-heap.mjs ${script.digest('hex')} on Node ${process.versions.node}`
  const marker = join(options.directory, `bench-${size}.made-by`)
  const known = await readFile(marker, 'utf8').catch(() => '')
  if (known.trim() !== madeBy) {
    progress(`making the heap of ${size} MB`)
    const heapLimit = `--max-old-space-size=${MAKING_HEAP_MEGABYTES}`
    await run(process.execPath, [heapLimit, MAKE_HEAP, options.directory, size, ...(base ? [BASES[size]] : [])])
    for (const suffix of ['gz', 'zst']) await rm(`${file}.${suffix}`, { force: true })
    await writeFile(marker, `${madeBy}\n`)
  }
  const bytes = (await stat(file)).size
  return { size, file, bytes, base, baseBytes: base && (await stat(base)).size }
}

async function measureHeap(heap) {
  const { size, file, base, bytes, baseBytes } = heap
  const result = { size, bytes, baseBytes }
  const asked = (field) => options.readers.filter((name) => READERS[name][field])
  if (options.parts.includes('load')) {
    const trials = asked('load').map((name) => readerTrial(name, READERS[name].load(file), [file]))
    result.load = await measure(`${size} MB`, trials)
  }
  if (options.parts.includes('diff') && base) {
    const trials = asked('diff').map((name) => readerTrial(name, READERS[name].diff(base, file), [base, file]))
    result.diff = await measure(`${size} MB, diff`, trials)
  }
  if (options.parts.includes('commands') && base) {
    result.compressed = await compress(file)
    result.commands = await measure(`${size} MB, commands`, commandTrials(heap, result.compressed))
  }
  if (options.parts.includes('scan')) {
    const cat = ['sh', '-c', 'exec cat -- "$1" > /dev/null', 'sh', file]
    const trials = [
      { name: 'cat', command: cat, files: [file] },
      { name: 'load', command: READERS.ours.scan(file), files: [file], totals: READERS.ours.totals },
    ]
    result.scan = await measure(`${size} MB, scan`, trials)
  }
  return result
}

function readerTrial(name, command, files) {
  const { totals, cannot } = READERS[name]
  const bytes = async () => Math.max(...(await Promise.all(files.map(async (file) => (await stat(file)).size))))
  return { name, command, files, totals, cannot: async () => cannot?.(await bytes()) }
}

function commandTrials({ file, base }, compressed) {
  const trial = (name, files, ...args) => ({ name, command: [CLI, ...args], files })
  return [
    trial('info', [file], 'info', file),
    trial('summary', [file], 'summary', file),
    trial('dominators', [file], 'dominators', file),
    trial('retainers --class User', [file], 'retainers', file, '--class', 'User'),
    trial('diff', [base, file], 'diff', base, file),
    ...Object.entries(compressed).map(([name, { file }]) => trial(`summary of the .${name}`, [file], 'summary', file)),
  ]
}

/** The same file with gzip, and with zstd where there is one. */
async function compress(file) {
  const compressed = {}
  const gz = `${file}.gz`
  if (!(await isFile(gz))) await pipeline(createReadStream(file), createGzip(), createWriteStream(gz))
  compressed.gz = { file: gz, bytes: (await stat(gz)).size }
  const zst = `${file}.zst`
  const made = (await isFile(zst)) || (await run('zstd', ['-q', '-o', zst, file]).then(Boolean, () => false))
  if (made) compressed.zst = { file: zst, bytes: (await stat(zst)).size }
  return compressed
}

function isFile(path) {
  return stat(path).then(
    (found) => found.isFile(),
    () => false,
  )
}

/** All trials of some programs, round by round. */
async function measure(what, programs) {
  const results = Object.fromEntries(programs.map(({ name }) => [name, { runs: [], failure: null }]))
  for (const { name, cannot } of programs) {
    results[name].failure = report.versions.unavailable[name] ?? (await cannot?.()) ?? null
    if (results[name].failure) progress(`${what}, ${name}: left out: ${results[name].failure}`)
  }
  for (const [round, program] of turns(programs, options.rounds)) {
    const result = results[program.name]
    if (result.failure || result.runs.some(({ wall }) => wall > options.slowSeconds)) continue
    const name = `${what}, round ${round + 1}, ${program.name}`
    try {
      const trial = await runTrial(program)
      result.runs.push(trial)
      const cpu = trial.user + trial.system
      const peak = (trial.peakBytes / 1e6).toFixed(0)
      progress(`${name}: ${trial.wall.toFixed(2)} s, ${cpu.toFixed(2)} CPU s, peak ${peak} MB`)
    } catch (error) {
      result.failure = error.message
      progress(`${name}: failed: ${error.message}`)
    }
  }
  return results
}

/** One process, its files in the page cache. */
async function runTrial({ command, files, totals }) {
  for (const file of files) await run('sh', ['-c', 'exec cat -- "$1" > /dev/null', 'sh', file])
  const measurement = join(options.directory, `measurement-${process.pid}.json`)
  const priority = options.nice === undefined ? [] : ['nice', '-n', options.nice]
  const { code, stdout, stderr } = await runMeasured([...priority, MEASURE, measurement, ...command])
  if (code !== 0) {
    const line = /^.*(?:Error|error|panicked|FATAL).*/m.exec(stderr)?.[0] ?? stderr.trim().split('\n').at(-1)
    throw new Error(line || `ended with ${code}`)
  }
  try {
    return { ...JSON.parse(await readFile(measurement, 'utf8')), totals: totals?.(stdout) }
  } finally {
    await rm(measurement)
  }
}

/** In a process group of its own, so that a time-out ends all of it. */
function runMeasured([program, ...args]) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { detached: true, stdio: ['ignore', 'pipe', 'pipe'] })
    measured = child
    let [stdout, stderr] = ['', '']
    child.stdout.setEncoding('utf8').on('data', (text) => (stdout += text))
    child.stderr.setEncoding('utf8').on('data', (text) => (stderr += text))
    const timer = setTimeout(() => {
      killGroup(child.pid)
      reject(new Error(`not done after ${options.timeoutSeconds} s`))
    }, options.timeoutSeconds * 1000)
    child.on('error', reject).on('close', (code, signal) => {
      clearTimeout(timer)
      measured = null
      resolve({ code: code ?? signal, stdout, stderr })
    })
  })
}

function killGroup(pid) {
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // It has ended by itself.
  }
}
