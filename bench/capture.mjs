// Measures captures against `v8.writeHeapSnapshot` and heapdump: time, memory, size.
//
//   npm run bench                                        everything, into bench/RESULTS.md
//   npm run bench -- --node 24 --heap strings --rounds 1 a part, to the terminal only
//
//   --node 20,24         majors of Node to run on
//   --heap objects,strings,typescript
//   --contender ours,ours-gc,ours-forget,v8,heapdump
//   --rounds 5           trials of each contender
//   --slow-rounds 1      of one whose first trial took longer than --slow-seconds (60)
//   --timeout-seconds 900  for one trial
//   --out FILE           where the Markdown goes
//
// Each trial runs in a fresh process (trial.cjs) that builds the same heap (heaps.cjs). A round has one
// trial of each contender, and each round begins with another one, so that no contender always runs on
// a machine that another has just warmed up, or worn out. Needs Linux, a C++ compiler for heapdump, and
// the npm registry for what is not in bench/.cache yet. Takes about half an hour.

import { execFile } from 'node:child_process'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs, promisify } from 'node:util'
import { nodeBinary } from '../scripts/nodes.mjs'
import { CACHE, compileHeapdump, install, typescriptPath } from './contenders.mjs'
import { machineFacts } from './machine.mjs'
import { choose, positive } from './options.mjs'
import { median, render } from './results.mjs'
import { turns } from './turns.mjs'

const run = promisify(execFile)
const ROOT = fileURLToPath(new URL('..', import.meta.url))
const TRIAL = fileURLToPath(new URL('trial.cjs', import.meta.url))
const RESULTS = fileURLToPath(new URL('RESULTS.md', import.meta.url))
const OUTPUT = join(CACHE, 'output')

const MAJORS = ['20', '24']
const HEAPS = ['objects', 'strings', 'typescript']
const CONTENDERS = ['ours', 'ours-gc', 'ours-forget', 'v8', 'heapdump']
const ROUNDS = 5
const REQUIRE_ROUNDS = 21

const options = readOptions()
const progress = (line) => process.stderr.write(`${line}\n`)

progress('installing what we are measured against')
await install()
const nodes = []
for (const major of options.majors) nodes.push(await prepareNode(major))

const report = {
  machine: await machineFacts(ROOT, OUTPUT),
  nodes,
  rounds: options.rounds,
  slowSeconds: options.slowSeconds,
  groups: [],
  requires: [],
  packages: await packageSizes(),
}
for (const node of nodes) {
  for (const heap of options.heaps) report.groups.push({ node, heap, ...(await measure(node, heap)) })
  report.requires.push({ node, ...(await measureRequire(node)) })
}

const markdown = render(report)
console.log(markdown)
if (options.out) {
  await writeFile(options.out, markdown)
  progress(`written: ${options.out}`)
} else {
  progress('bench/RESULTS.md is left as it is: this was a part of the measurement (see --out)')
}

function readOptions() {
  const { values } = parseArgs({
    options: {
      node: { type: 'string', default: MAJORS.join() },
      heap: { type: 'string', default: HEAPS.join() },
      contender: { type: 'string', default: CONTENDERS.join() },
      rounds: { type: 'string', default: String(ROUNDS) },
      'slow-rounds': { type: 'string', default: '1' },
      'slow-seconds': { type: 'string', default: '60' },
      'timeout-seconds': { type: 'string', default: '900' },
      out: { type: 'string' },
    },
  })
  const chosen = {
    majors: values.node.split(','),
    heaps: choose('heap', values.heap, HEAPS),
    contenders: choose('contender', values.contender, CONTENDERS),
    rounds: positive('rounds', values.rounds),
    slowRounds: positive('slow-rounds', values['slow-rounds']),
    slowSeconds: positive('slow-seconds', values['slow-seconds']),
    timeoutMs: positive('timeout-seconds', values['timeout-seconds']) * 1000,
  }
  const whole =
    chosen.majors.length >= MAJORS.length &&
    chosen.heaps.length === HEAPS.length &&
    chosen.contenders.length === CONTENDERS.length &&
    chosen.rounds >= ROUNDS
  return { ...chosen, out: values.out ?? (whole ? RESULTS : null) }
}

/** A Node to measure on: its binary and version, and heapdump compiled for it, or why not. */
async function prepareNode(major) {
  const binary = await nodeBinary(Number(major))
  const version = (await run(binary, ['-p', 'process.versions.node'])).stdout.trim()
  progress(`Node ${version}: compiling heapdump`)
  try {
    return { binary, version, heapdump: await compileHeapdump(binary, version), failure: null }
  } catch (error) {
    progress(`  failed: ${error.message}`)
    return { binary, version, heapdump: null, failure: error.message }
  }
}

/** All trials of one heap on one Node. */
async function measure(node, heap) {
  const contenders = options.contenders.filter((name) => name !== 'heapdump' || node.heapdump)
  const trials = Object.fromEntries(contenders.map((name) => [name, []]))
  const failures = {}
  // The first to run on a machine finds its caches cold and its memory untouched: measure nobody then.
  await runTrial(node, heap, contenders[0]).catch(() => {})
  for (const [round, contender] of turns(contenders, options.rounds)) {
    if (failures[contender]) continue
    const isSlow = trials[contender][0]?.wallMs > options.slowSeconds * 1000
    if (isSlow && trials[contender].length >= options.slowRounds) continue
    const name = `Node ${node.version}, ${heap}, round ${round + 1}, ${contender}`
    try {
      const trial = await runTrial(node, heap, contender)
      trials[contender].push(trial)
      progress(`${name}: ${trial.wallMs.toFixed(0)} ms, peak ${(trial.rssPeakBytes / 1e6).toFixed(0)} MB`)
    } catch (error) {
      failures[contender] = error.message
      progress(`${name}: failed: ${error.message}`)
    }
  }
  return { trials, failures }
}

async function runTrial(node, heap, contender) {
  await rm(OUTPUT, { recursive: true, force: true })
  await mkdir(OUTPUT, { recursive: true })
  const parameters = {
    heap,
    contender,
    file: join(OUTPUT, 'trial.heapsnapshot'),
    modules: { ours: ROOT, heapdump: node.heapdump, typescript: typescriptPath() },
  }
  try {
    const args = ['--expose-gc', TRIAL, JSON.stringify(parameters)]
    const { stdout } = await run(node.binary, args, { timeout: options.timeoutMs, killSignal: 'SIGKILL' })
    return JSON.parse(stdout)
  } catch (error) {
    if (error.killed) throw new Error(`not done after ${options.timeoutMs / 1000} s`, { cause: error })
    const line = /^\w*Error.*/m.exec(error.stderr ?? '')?.[0]
    throw new Error(line ?? error.message.split('\n')[0], { cause: error })
  } finally {
    await rm(OUTPUT, { recursive: true, force: true })
  }
}

/** Median time of `require()`, each in a fresh process, in turns. */
async function measureRequire(node) {
  const modules = { ours: ROOT, ...(node.heapdump && { heapdump: node.heapdump }) }
  const times = Object.fromEntries(Object.keys(modules).map((name) => [name, []]))
  const script = `
    const start = process.hrtime.bigint()
    require(process.argv[1])
    process.stdout.write(String(Number(process.hrtime.bigint() - start) / 1e6))`
  for (let round = 0; round < REQUIRE_ROUNDS; round++) {
    for (const [name, path] of Object.entries(modules)) {
      const { stdout } = await run(node.binary, ['-e', script, path])
      times[name].push(Number(stdout))
    }
  }
  return { rounds: REQUIRE_ROUNDS, ours: median(times.ours), heapdump: times.heapdump && median(times.heapdump) }
}

/** What npm would upload, and unpack, of each package. */
async function packageSizes() {
  const pack = async (directory) => {
    const { stdout } = await run('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], { cwd: directory })
    const [{ size, unpackedSize, entryCount }] = JSON.parse(stdout)
    return { size, unpackedSize, entryCount }
  }
  return { ours: await pack(ROOT), heapdump: await pack(join(CACHE, 'node_modules', 'heapdump')) }
}
