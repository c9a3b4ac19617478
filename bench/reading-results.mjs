// From trials of readers to Markdown: medians, ratios, and whether each goal is met. Losses are told like wins.

import { readFile } from 'node:fs/promises'
import { READERS } from './readers.mjs'
import { count, gigabytes, inline, median, megabytes, met, round2, table, times } from './results.mjs'

/** What reading 500 MB has to reach. Ratios of memory are to the file, or the larger of two. */
const GOAL_SIZE = '500'
const GOALS = { wall: 2, cpu: 3, diffCpu: 4, peakRatio: 1, devtoolsCpuRatio: 6 }

/** Written by hand, below what is generated, and kept. */
const NOTES_HEADING = '## Where the time and the memory go'

/** What stands below the figures in the page so far. */
export async function keptNotes(page) {
  const text = await readFile(page, 'utf8').catch(() => '')
  const at = text.indexOf(NOTES_HEADING)
  return at === -1 ? '' : text.slice(at).trimEnd()
}

/** The whole page. `report` is what reading.mjs gathers. */
export function render(report, notes) {
  const heaps = report.heaps.map((heap) => ({ ...heap, ...mediansOfParts(heap) }))
  const sections = [
    ['# What reading costs', '', ...method(report)],
    section('## Against the goals', goals(heaps)),
    ...heaps.map((heap) => section(heading(heap), loading(heap))),
    ...heaps.filter(({ diff }) => diff).map((heap) => section(`### Comparison: ${names(heap)}`, comparing(heap))),
    section('## How it grows', growth(heaps)),
    section('## Scanning against `cat`', scanning(heaps)),
    ...heaps.filter(({ commands }) => commands).map((heap) => section('## Our commands', ours(heap))),
    notes.split('\n'),
  ]
  const filled = sections.filter((lines) => lines.some(Boolean))
  return `${filled.map((lines) => lines.join('\n')).join('\n\n')}\n`
}

const section = (title, lines) => (lines.length > 0 ? [title, '', ...lines] : [])

function mediansOfParts(heap) {
  const parts = {}
  for (const part of ['load', 'diff', 'commands', 'scan']) {
    if (!heap[part]) continue
    parts[part] = {}
    for (const [name, { runs, failure }] of Object.entries(heap[part])) {
      const of = (field) => median(runs.map(field))
      parts[part][name] = runs.length === 0 ? { failure } : { n: runs.length, failure, ...used(of), ...output(runs) }
    }
  }
  return parts
}

const used = (of) => ({
  wall: of((run) => run.wall),
  cpu: of((run) => run.user + run.system),
  user: of((run) => run.user),
  system: of((run) => run.system),
  peak: of((run) => run.peakBytes),
})

const output = (runs) => ({
  wallMin: Math.min(...runs.map((run) => run.wall)),
  wallMax: Math.max(...runs.map((run) => run.wall)),
  totals: runs[0].totals,
  steps: runs[0].totals?.steps?.map(({ name }, at) => ({
    name,
    wall: median(runs.map((run) => run.totals.steps[at].wall)),
    cpu: median(runs.map((run) => run.totals.steps[at].cpu)),
  })),
})

/** One sentence a line: it stays readable when a number changes. */
function method({ machine, loadAtEnd, node, versions, rounds, slowSeconds, timeoutSeconds, nice }) {
  const { devtools, memlab, dinfuehr } = versions
  return [
    `Made by \`npm run bench:reading\` on ${machine.date}, at ${machine.commit}.`,
    `${machine.cores} cores (${machine.cpu}), ${gigabytes(machine.memoryBytes)} of memory, ${machine.kernel}.`,
    `Load ${machine.load.toFixed(2)} at the start, ${loadAtEnd.toFixed(2)} at the end${nice === undefined ? '' : `; all that is measured ran at nice ${nice}`}.`,
    `Node ${node}, ${devtools}, ${memlab}, v8-heap-parser ${versions['v8-heap-parser']}, dinfuehr/heap-snapshot ${dinfuehr}.`,
    '',
    `Medians of ${rounds} trials; n tells where it is fewer, after one of more than ${slowSeconds} s; none may take more than ${timeoutSeconds} s.`,
    'Each trial is a fresh process, one at a time, on the same files, which are in the page cache.',
    'The heaps are made by `bench/make-heap.mjs`; those of 500 MB and more have a list 300,000 deep in them.',
    'CPU is user and system time of all threads. Peak is the kernel\'s "maximum resident set", mapped files included.',
    'A ratio is ours to theirs: **below 1 is better for us**.',
    'On a machine that is busy with other things wall times are worth less than CPU times and peaks.',
    '1 MB = 10^6 bytes.',
  ]
}

const names = ({ bytes, baseBytes }) => `${megabytes(baseBytes)} MB and ${megabytes(bytes)} MB`

function heading({ load, bytes }) {
  const { nodes, edges } = Object.values(load ?? {}).find(({ totals }) => totals?.nodes)?.totals ?? {}
  const size = nodes ? ` (${count(nodes)} nodes, ${count(edges)} edges)` : ''
  return `### Load, dominators and retained sizes: ${megabytes(bytes)} MB${size}`
}

function goals(heaps) {
  const rows = []
  const goal = (where, what, target, value, isMet) => rows.push([where, what, target, value, met(isMet)])
  const peak = (where, bytes, fileBytes, file) => {
    const ratio = bytes / fileBytes
    goal(where, `peak, to ${file}`, '≤ 1.00x', times(ratio), round2(ratio) <= GOALS.peakRatio)
  }
  for (const { size, bytes, baseBytes, load, diff } of heaps) {
    const where = `${megabytes(bytes)} MB`
    const mine = load?.ours
    if (mine?.wall && size === GOAL_SIZE) {
      goal(where, 'wall s', `≤ ${GOALS.wall.toFixed(1)}`, mine.wall.toFixed(2), round2(mine.wall) <= GOALS.wall)
      goal(where, 'CPU s', `≤ ${GOALS.cpu.toFixed(1)}`, mine.cpu.toFixed(2), round2(mine.cpu) <= GOALS.cpu)
      if (load.devtools?.cpu) {
        const less = load.devtools.cpu / mine.cpu
        const target = `≥ ${GOALS.devtoolsCpuRatio}x`
        goal(where, "less CPU than DevTools' worker", target, `${less.toFixed(1)}x`, less >= GOALS.devtoolsCpuRatio)
      }
    }
    if (mine?.wall) peak(where, mine.peak, bytes, 'the file')
    if (diff?.ours?.cpu) {
      const both = `Comparison, ${where}`
      goal(both, 'CPU s', `≤ ${GOALS.diffCpu.toFixed(1)}`, diff.ours.cpu.toFixed(2), diff.ours.cpu <= GOALS.diffCpu)
      peak(both, diff.ours.peak, Math.max(bytes, baseBytes), 'the larger file')
    }
  }
  return rows.length > 0 ? table(['where', 'what', 'goal', 'measured', ''], rows) : []
}

/** What each used, and ours to it. */
function costs(results, fileBytes) {
  const mine = results.ours
  const heads = [
    '',
    'n',
    'wall s (range)',
    'ours to it',
    'CPU s (user + system)',
    'ours to it',
    'peak MB',
    'ours to it',
    'peak / file',
  ]
  const rows = Object.entries(results)
    .filter(([, it]) => it.wall)
    .map(([name, it]) => {
      const ratio = (field) => (name !== 'ours' && mine?.[field] ? times(mine[field] / it[field]) : '')
      return [
        READERS[name].label,
        String(it.n),
        `${it.wall.toFixed(2)}${it.n > 1 ? ` (${it.wallMin.toFixed(2)}–${it.wallMax.toFixed(2)})` : ''}`,
        ratio('wall'),
        `${it.cpu.toFixed(2)} (${it.user.toFixed(2)} + ${it.system.toFixed(2)})`,
        ratio('cpu'),
        megabytes(it.peak),
        ratio('peak'),
        times(it.peak / fileBytes),
      ]
    })
  return [...(rows.length > 0 ? table(heads, rows) : []), ...failures(results)]
}

function failures(results) {
  const failed = Object.entries(results).filter(([, { failure }]) => failure)
  return failed.flatMap(([name, { failure }]) => ['', `${READERS[name]?.label ?? name}: ${inline(failure)}`])
}

function loading({ load, bytes }) {
  if (!load) return []
  const cell = (value) => (value === undefined ? '' : count(value))
  const rows = Object.entries(load)
    .filter(([, { totals }]) => totals?.nodes)
    .map(([name, { totals }]) => [
      READERS[name].label,
      ...['nodes', 'edges', 'retainedByRoot', 'retainedSummed'].map((field) => cell(totals[field])),
    ])
  const heads = ['what they found', 'nodes', 'edges', 'retained by the root', "all nodes' retained sizes, summed"]
  const steps = load.ours?.steps?.map(({ name, wall, cpu }) => `${name} ${wall.toFixed(2)} s (${cpu.toFixed(2)} CPU s)`)
  return [
    ...costs(load, bytes),
    ...(rows.length > 0 ? ['', ...table(heads, rows)] : []),
    ...(steps ? ['', `Ours by step: ${steps.join(', ')}.`] : []),
  ]
}

function comparing({ diff, bytes, baseBytes }) {
  const rows = Object.entries(diff)
    .filter(([, { totals }]) => totals?.added !== undefined)
    .map(([name, { totals }]) => [
      READERS[name].label,
      ...['classes', 'added', 'removed', 'sizeDelta'].map((field) => count(totals[field])),
    ])
  const heads = ['what they found', 'classes that changed', '#New', '#Deleted', 'Size Delta']
  return [
    ...costs(diff, Math.max(bytes, baseBytes)),
    ...(rows.length > 0 ? ['', ...table(heads, rows)] : []),
    '',
    'memlab has no Comparison by class, v8-heap-parser none at all.',
  ]
}

/** The same figures across sizes, a column a size: what a megabyte costs, and the peak to the file. */
function growth(heaps) {
  const measured = heaps.filter(({ load }) => load)
  if (measured.length < 2) return []
  const readers = Object.keys(READERS).filter((name) => measured.some(({ load }) => load[name]?.wall))
  const pivot = (figure) =>
    readers.map((name) => [
      READERS[name].label,
      ...measured.map(({ load, bytes }) => (load[name]?.wall ? figure(load[name], bytes) : '–')),
    ])
  const heads = (what) => [what, ...measured.map(({ bytes }) => `${megabytes(bytes)} MB`)]
  const perMegabyte = (seconds, bytes) => ((seconds * 1e3) / (bytes / 1e6)).toFixed(2)
  return [
    ...table(
      heads('wall ms a MB'),
      pivot(({ wall }, bytes) => perMegabyte(wall, bytes)),
    ),
    '',
    ...table(
      heads('CPU ms a MB'),
      pivot(({ cpu }, bytes) => perMegabyte(cpu, bytes)),
    ),
    '',
    ...table(
      heads('peak / file'),
      pivot(({ peak }, bytes) => times(peak / bytes)),
    ),
  ]
}

function scanning(heaps) {
  const speed = (bytes, seconds) => count(Math.round(bytes / 1e6 / seconds))
  const rows = heaps
    .filter(({ scan }) => scan?.cat?.wall && scan?.load?.wall)
    .map(({ bytes, scan: { cat, load } }) => [
      megabytes(bytes),
      speed(bytes, cat.wall),
      speed(bytes, load.wall),
      times(load.wall / cat.wall),
      speed(bytes, load.cpu),
      megabytes(load.peak),
    ])
  if (rows.length === 0) return []
  const heads = ['file MB', '`cat` MB/s', 'load MB/s', 'time, load to `cat`', 'load, MB a CPU s', 'load, peak MB']
  return [
    ...table(heads, rows),
    '',
    'To load is to read and check every number, and to leave columns of nodes and edges in memory, with an index of',
    'the strings; `cat FILE > /dev/null` copies the file out of the page cache, and does nothing with it.',
  ]
}

function ours({ commands, bytes, compressed }) {
  const rows = Object.entries(commands)
    .filter(([, it]) => it.wall)
    .map(([name, it]) => [
      `\`${name}\``,
      it.wall.toFixed(2),
      `${it.cpu.toFixed(2)} (${it.user.toFixed(2)} + ${it.system.toFixed(2)})`,
      megabytes(it.peak),
      times(it.peak / bytes),
    ])
  const sizes = Object.entries(compressed).map(([suffix, { bytes }]) => `.${suffix} ${megabytes(bytes)} MB`)
  return [
    ...table(['of the 500 MB heap', 'wall s', 'CPU s (user + system)', 'peak MB', 'peak / plain file'], rows),
    ...failures(commands),
    '',
    `Compressed sizes: ${sizes.join(', ')}. Without Node around them: \`npx rs-heapdump\` adds a start of Node.`,
  ]
}
