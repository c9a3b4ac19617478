// Runs the corpus of leaking and steady programs through our `leaks` command and memlab's find-leaks.
//
//   npm run bench:leaks                      Node 18 to 26, into bench/LEAKS.md
//   npm run bench:leaks -- --node 22         a part, to the terminal only
//
//   --node 18,26   majors of Node to run the programs on
//   --corpus DIR   another corpus of the same form, to the terminal only
//   --from DIR     snapshots that `npm run corpus -- --keep DIR` left, rather than new ones
//   --ours         run ours alone, and take memlab's traces from earlier runs where there are any
//   --out FILE     where the Markdown goes
//
// Both read the same three files of each program: memlab as baseline, target and final. Memlab (pinned
// in bench/memlab/package.json, installed the first time) runs twice: as it comes, and with what its
// option --trace-all-objects sets. Two programs at a time; takes about an hour. Memlab's traces stay in
// bench/.cache/memlab-traces.json: it changes with its version only, ours more often.

import { execFile, fork } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs, promisify } from 'node:util'
import {
  CORPUS,
  drive,
  inParallel,
  installPackages,
  openCorpus,
  runsOn,
  snapshotFiles,
} from '../__test__/leaks/corpus.mjs'
import { judge } from '../__test__/leaks/judge.mjs'
import { NODE_VERSIONS, nodeBinary } from '../scripts/nodes.mjs'
import { machineFacts } from './machine.mjs'

const run = promisify(execFile)
const ROOT = fileURLToPath(new URL('..', import.meta.url))
const MEMLAB = fileURLToPath(new URL('memlab/', import.meta.url))
const RESULTS = fileURLToPath(new URL('LEAKS.md', import.meta.url))
const TRACES = fileURLToPath(new URL('.cache/memlab-traces.json', import.meta.url))
const LANES = 2
const DEADLINE_MS = 300_000
const MAX_BUFFER_BYTES = 256 * 1024 * 1024

const CONTENDERS = {
  ours: '`rs-heapdump leaks`',
  default: 'memlab, as it comes',
  'all-objects': 'memlab, all objects',
}

const { values: options } = parseArgs({
  options: {
    node: { type: 'string' },
    corpus: { type: 'string', default: CORPUS },
    from: { type: 'string' },
    ours: { type: 'boolean', default: false },
    out: { type: 'string' },
  },
})
const whole = !options.node && options.corpus === CORPUS
const majors = options.node?.split(',') ?? [...NODE_VERSIONS.keys()].filter((major) => major >= 18).map(String)
const out = options.out ?? (whole ? RESULTS : null)

// It downloads a browser otherwise, which reading files does not need.
installPackages(MEMLAB, ['--ignore-scripts'])
const { programs } = await openCorpus(path.resolve(options.corpus))
const work = fs.mkdtempSync(path.join(os.tmpdir(), 'rs-heapdump-bench-leaks-'))
const facts = await machineFacts(ROOT, work)
/** `{ [major/program/mode]: { traces, seconds } }`, or `{ error, seconds }`. */
const memlab = fs.existsSync(TRACES) ? JSON.parse(fs.readFileSync(TRACES, 'utf8')) : {}
const results = []
try {
  for (const major of majors) {
    const running = programs.filter(({ expected }) => runsOn(expected, major))
    results.push(...(await inParallel(running, LANES, (program) => compare(program, major))))
    console.error(`Node ${major}: done`)
    fs.mkdirSync(path.dirname(TRACES), { recursive: true })
    fs.writeFileSync(TRACES, JSON.stringify(memlab))
  }
} finally {
  fs.rmSync(work, { recursive: true, force: true })
}
const page = render()
if (out) fs.writeFileSync(out, page)
console.log(page)

/** One program on one Node: `{ major, name, expected, ours, default, 'all-objects' }`. */
async function compare(program, major) {
  const { name, expected } = program
  const files = options.from
    ? snapshotFiles(path.join(options.from, major), program)
    : await drive(program, nodeBinary(major), path.join(work, major))
  const result = { major, name, expected, ours: await timed(() => oursOn(expected, files)) }
  for (const mode of ['default', 'all-objects']) {
    const key = `${major}/${name}/${mode}`
    if (!options.ours || !memlab[key])
      memlab[key] = await timed(() => memlabOn(mode, files, path.join(work, `memlab-${major}-${name}`)))
    const { traces, error, seconds } = memlab[key]
    result[mode] = traces
      ? { hit: mentions(expected, traces), said: traces.length, seconds }
      : { hit: false, said: 0, error, seconds }
  }
  if (!options.from) for (const file of files) fs.rmSync(file)
  return result
}

async function timed(find) {
  const started = performance.now()
  const found = await find().catch((error) => ({ hit: false, error: error.message.split('\n')[0] }))
  return { ...found, seconds: (performance.now() - started) / 1000 }
}

async function oursOn(expected, files) {
  const { stdout } = await run(process.execPath, [path.join(ROOT, 'cli.js'), 'leaks', ...files, '--json'], {
    maxBuffer: MAX_BUFFER_BYTES,
  })
  const report = JSON.parse(stdout)
  return { hit: judge(expected, report).hit, said: report.suspects.length }
}

/** A hit, generously: any of the traces mentions the owner, anywhere in what is printed. No file is asked for. */
function mentions(expected, traces) {
  if (!expected.leaks) return traces.length === 0
  return traces.some((trace) => expected.owner.some((pattern) => pattern.test(trace.replace(/\s+/g, ' '))))
}

function memlabOn(mode, files, workDir) {
  return new Promise((resolve, reject) => {
    const child = fork(path.join(MEMLAB, 'find-leaks.cjs'), [mode, workDir, ...files], {
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
      timeout: DEADLINE_MS,
    })
    let traces = null
    child.on('message', (message) => {
      traces = message.traces
    })
    child.on('error', reject)
    child.on('exit', (code) => {
      fs.rmSync(workDir, { recursive: true, force: true })
      if (traces) resolve({ traces })
      else reject(new Error(`memlab ended with ${code}`))
    })
  })
}

function render() {
  const version = JSON.parse(fs.readFileSync(path.join(MEMLAB, 'package.json'), 'utf8')).dependencies['@memlab/api']
  const count = (leaks) =>
    new Set(results.filter(({ expected }) => expected.leaks === leaks).map(({ name }) => name)).size
  const lines = [
    '# Who names the leak',
    '',
    `Made by \`npm run bench:leaks\` on ${facts.date}, at ${facts.commit}; memlab ${version}.`,
    `Each of ${count(true)} programs that grow and ${count(false)} that do not (\`__test__/leaks/\`) leaves three snapshots:`,
    'after the warm-up, after some load, after three times as much again. All read the same files.',
    '',
    '**Ours is right** when the first suspect names the owner and the file. **Memlab is right** when any of its leak',
    'traces mentions the owner anywhere in its text: no order, no file. For memlab the second snapshot is the',
    'target, the third is the final one. As it comes, it looks for what browsers leak; `--trace-all-objects` makes it',
    'report any object that was made before the second snapshot and is alive in the third.',
    'A **false alarm** is anything reported about a program that does not grow.',
    '',
    '## Named, and false alarms',
    '',
    ...table(
      ['Node', ...Object.values(CONTENDERS).flatMap((title) => [title, 'false alarms'])],
      [...majors, 'all'].map((major) => [major, ...Object.keys(CONTENDERS).flatMap((name) => rates(name, major))]),
    ),
    '',
    '## Each program',
    '',
    'How many of the versions, and in brackets how many suspects or traces are reported at most.',
    '',
    ...table(
      ['Program', 'grows', ...Object.values(CONTENDERS)],
      programs.map(({ name, expected }) => [
        name,
        expected.leaks ? 'yes' : 'no',
        ...Object.keys(CONTENDERS).map((contender) => eachVersion(name, contender)),
      ]),
    ),
    '',
    '## Time',
    '',
    `Median seconds for three snapshots, process included; ${facts.cores} cores (${facts.cpu}), two programs at a time:`,
    `${Object.entries(CONTENDERS)
      .map(([name, title]) => `${title} ${median(results.map((result) => result[name].seconds ?? 0)).toFixed(2)}`)
      .join(', ')}.`,
    ...(options.ours ? ["Memlab's traces and times are those of an earlier run, on the same programs."] : []),
    '',
  ]
  return lines.join('\n')
}

function rates(contender, major) {
  const of = results.filter((result) => major === 'all' || result.major === major)
  const growing = of.filter(({ expected }) => expected.leaks)
  const steady = of.filter(({ expected }) => !expected.leaks)
  const hits = growing.filter((result) => result[contender].hit).length
  const alarms = steady.filter((result) => !result[contender].hit).length
  const percent = growing.length > 0 ? `${((100 * hits) / growing.length).toFixed(1)} %` : '-'
  return [`${percent} (${hits}/${growing.length})`, `${alarms}/${steady.length}`]
}

function eachVersion(name, contender) {
  const of = results.filter((result) => result.name === name)
  const right = of.filter((result) => result[contender].hit).length
  const said = Math.max(...of.map((result) => result[contender].said ?? 0))
  const failed = of.some((result) => result[contender].error) ? ', failed' : ''
  return `${right}/${of.length} (${said}${failed})`
}

function table(head, rows) {
  const widths = head.map((_title, column) => Math.max(...[head, ...rows].map((row) => String(row[column]).length), 3))
  const line = (cells) => `| ${cells.map((cell, column) => String(cell).padEnd(widths[column])).join(' | ')} |`
  return [line(head), `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`, ...rows.map(line)]
}

function median(values) {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)]
}
