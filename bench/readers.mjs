// The readers of heap snapshots that reading.mjs measures, how to get them, and how to ask each the same.

import { execFile } from 'node:child_process'
import { access, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)
const ROOT = fileURLToPath(new URL('..', import.meta.url))
const PEERS = fileURLToPath(new URL('peers', import.meta.url))
const ORACLE = join(ROOT, 'oracle')

const INSPECT = join(ROOT, 'target/release/examples/inspect')
/** Our command line, without Node around it. */
export const CLI = join(ROOT, 'target/release/examples/cli')
/** Runs a program and writes what it used (see peers/src/bin/measure.rs). */
export const MEASURE = join(PEERS, 'target/release/measure')
const V8_HEAP_PARSER = join(PEERS, 'target/release/v8-heap-parser')
const DINFUEHR = join(PEERS, 'node_modules/@heap-snapshot/linux-x64/heap-snapshot')

/** The longest string of V8, which JSON.parse must have the whole text in. */
const MAX_STRING_BYTES = 0x1fff_ffe8
const MAX_HEAP_MEGABYTES = 16_000

const node = (script, ...files) => [
  process.execPath,
  `--max-old-space-size=${MAX_HEAP_MEGABYTES}`,
  join(PEERS, script),
  ...files,
]

/**
 * By name. `load` and `diff` are the program and its arguments; `totals` takes from its output what
 * shows that it did the work; `cannot` says why a file of this size is out of reach.
 */
export const READERS = {
  ours: {
    label: 'rs-heapdump',
    load: (file) => [INSPECT, file],
    diff: (base, file) => [INSPECT, base, 'diff', file],
    scan: (file) => [INSPECT, file, 'load'],
    totals: ourTotals,
  },
  devtools: {
    label: "DevTools' worker",
    load: (file) => node('devtools.mjs', file),
    diff: (base, file) => node('devtools.mjs', base, file),
    totals: JSON.parse,
  },
  memlab: {
    label: 'memlab core',
    load: (file) => node('memlab.cjs', file),
    totals: JSON.parse,
  },
  'v8-heap-parser': {
    label: 'v8-heap-parser',
    load: (file) => [V8_HEAP_PARSER, file],
    totals: JSON.parse,
  },
  dinfuehr: {
    label: 'dinfuehr/heap-snapshot',
    load: (file) => [DINFUEHR, 'summary', file],
    diff: (base, file) => [DINFUEHR, 'diff', file, base],
    totals: () => ({}),
  },
  'json-parse': {
    label: '`JSON.parse` (no graph)',
    load: (file) => node('json-parse.cjs', file),
    totals: JSON.parse,
    cannot: (bytes) => (bytes > MAX_STRING_BYTES ? "the text is longer than V8's longest string, 536,870,888" : null),
  },
}

/** Builds ours and gets the others, at the versions that the manifests name. */
export async function prepare() {
  await run('cargo', ['build', '--release', '--example', 'inspect', '--example', 'cli'], { cwd: ROOT })
  await run('cargo', ['build', '--release', '--locked'], { cwd: PEERS })
  const npm = ['install', '--no-save', '--ignore-scripts', '--no-audit', '--no-fund', '--no-package-lock', '--silent']
  await run('npm', npm, { cwd: PEERS })
  await run('npm', ['install', '--no-save', '--no-audit', '--no-fund', '--silent'], { cwd: ORACLE })
  await run(process.execPath, ['build.mjs'], { cwd: ORACLE })
}

/** Versions of the others, and why those that do not run here do not. */
export async function versions() {
  const npm = JSON.parse(await readFile(join(PEERS, 'package.json'), 'utf8'))
  const oracle = JSON.parse(await readFile(join(ORACLE, 'package.json'), 'utf8'))
  const cargo = await readFile(join(PEERS, 'Cargo.toml'), 'utf8')
  return {
    devtools: `chrome-devtools-frontend ${oracle.dependencies['chrome-devtools-frontend']}`,
    memlab: `@memlab/core ${npm.dependencies['@memlab/core']}`,
    'v8-heap-parser': /^v8-heap-parser = "=(.*)"/m.exec(cargo)[1],
    dinfuehr: npm.optionalDependencies['@heap-snapshot/linux-x64'],
    unavailable: { dinfuehr: await dinfuehrFailure() },
  }
}

async function dinfuehrFailure() {
  try {
    await access(DINFUEHR)
    await run(DINFUEHR, ['--help'])
    return null
  } catch (error) {
    const missing = /GLIBC_[\d.]+' not found/.exec(error.stderr ?? '')?.[0]
    return missing ? `its only build for Linux does not run here (${missing.replace("'", '')})` : 'not installed'
  }
}

/** The steps, with their times, and the totals, from what `inspect` prints. */
function ourTotals(output) {
  const number = (pattern) => {
    const match = pattern.exec(output)
    return match ? Number(match[1]) : undefined
  }
  const steps = [...output.matchAll(/^([a-z][a-z ]*?) +([\d.]+) s wall +([\d.]+) s CPU/gm)]
  return {
    nodes: number(/(\d+) nodes/),
    edges: number(/(\d+) edges/),
    retainedByRoot: number(/retained by the root: (\d+)/),
    retainedSummed: number(/all nodes' together: (\d+)/),
    classes: number(/(\d+) classes/),
    added: number(/(\d+) added/),
    removed: number(/(\d+) removed/),
    sizeDelta: number(/(-?\d+) bytes more/),
    steps: steps.map(([, name, wall, cpu]) => ({ name, wall: Number(wall), cpu: Number(cpu) })),
  }
}
