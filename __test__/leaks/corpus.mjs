// A corpus on disk: its programs, what is expected of them, and how they are driven.
//
//   const corpus = await openCorpus(directory)
//   const files = await drive(corpus.programs[0], nodeBinary(22), '/tmp/out')
//
// A corpus is a directory with `expected.mjs`, `programs/` and, where programs need packages, a
// `package.json`, whose packages are installed when the corpus is opened for the first time.

import { execFile, execFileSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { promisify } from 'node:util'

const here = path.dirname(fileURLToPath(import.meta.url))
const execute = promisify(execFile)
/** A program takes two seconds; a busy machine may take long. */
const DEADLINE_MS = 300_000

/** The corpus of the repository. */
export const CORPUS = here

/** The programs of a corpus in the order of `expected.mjs`: `{ name, file, expected, byTag }`. */
export async function openCorpus(directory = CORPUS, { install = true } = {}) {
  if (install) installPackages(directory)
  const { EXPECTED, BY_TAG = {} } = await import(pathToFileURL(path.join(directory, 'expected.mjs')).href)
  const programs = Object.entries(EXPECTED).map(([name, expected]) => ({
    name,
    expected,
    byTag: BY_TAG[name],
    file: programFile(path.join(directory, 'programs'), name),
  }))
  const known = new Set(Object.keys(EXPECTED))
  for (const entry of fs.readdirSync(path.join(directory, 'programs'))) {
    const name = entry.replace(/\.[cm]js$/, '')
    if (!known.has(name)) throw new Error(`expected.mjs says nothing of programs/${entry}`)
  }
  return { directory, programs }
}

function programFile(directory, name) {
  const candidates = [`${name}.cjs`, `${name}.mjs`, `${name}/index.cjs`, `${name}/index.mjs`]
  const found = candidates.find((candidate) => fs.existsSync(path.join(directory, candidate)))
  if (!found) throw new Error(`no program ${name} in ${directory}`)
  return path.join(directory, found)
}

/** Installs what a directory's package.json asks for, unless it is there. */
export function installPackages(directory, flags = []) {
  const modified = (name) => fs.statSync(path.join(directory, name), { throwIfNoEntry: false })?.mtimeMs ?? 0
  const installed = modified('node_modules/.package-lock.json')
  if (!modified('package.json') || installed >= Math.max(modified('package.json'), modified('package-lock.json')))
    return
  // Not `npm ci`: it refuses a lock file that lacks the optional packages of other platforms.
  execFileSync('npm', ['install', '--no-save', '--no-audit', '--no-fund', '--loglevel=error', ...flags], {
    cwd: directory,
    stdio: ['ignore', 2, 2],
  })
}

/** Whether a program runs on this major version: `nodes` is `>=N`. */
export function runsOn(expected, major) {
  return Number(major) >= Number(expected.nodes.replace('>=', ''))
}

/** The three files that a program's snapshots have in a directory. */
export function snapshotFiles(directory, program) {
  return [1, 2, 3].map((step) => path.join(directory, `${program.name}-${step}.heapsnapshot`))
}

/** How a program's snapshots are taken: what its driver is called with, once for each process. */
export const WALKS = {
  ids: [['ids']],
  redacted: [['redacted']],
  runs: [1, 2, 3].map((only) => ['ids', only]),
  places: [['places']],
  'some-ids': [['some-ids']],
}

/** Runs a program under this Node; its three snapshots are in the directory then. */
export async function drive(program, node, directory, walk = 'ids') {
  fs.mkdirSync(directory, { recursive: true })
  for (const words of WALKS[walk]) {
    const script = [path.join(here, 'driver.mjs'), program.file, path.join(directory, program.name)]
    await execute(node, [...script, ...words], { timeout: DEADLINE_MS, maxBuffer: 64 * 1024 * 1024 })
  }
  return snapshotFiles(directory, program)
}

/** Does the work for each item, so many at a time; the results are in the order of the items. */
export async function inParallel(items, limit, work) {
  const results = new Array(items.length)
  const queue = items.entries()
  const lane = async () => {
    for (const [index, item] of queue) results[index] = await work(item)
  }
  await Promise.all(Array.from({ length: limit }, lane))
  return results
}
