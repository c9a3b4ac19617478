// What the tests share: the Node under test, child processes, waiting, files, snapshots.
//
// Every behaviour is proven from outside. A test hands a CommonJS script (plain enough for Node 16)
// to `run` or `start`, which executes it in a process of its own; the script loads the addon with
// `require(ADDON)` and reports with `say(value)`. The test watches what the process says, prints and
// leaves on the disk. All time-outs live here: a test waits for a condition, never for a time.
//
//   const child = start(`require(ADDON); setInterval(() => {}, 1000); say('ready')`)
//   await child.says('ready')
//   child.kill('SIGUSR2')
//   await child.until(() => snapshotsIn(child.directory).length === 1, 'a snapshot')

import assert from 'node:assert/strict'
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'
import * as fzstd from 'fzstd'

/** The repository root: what the scripts of the tests `require`. */
export const ROOT = path.dirname(path.dirname(fileURLToPath(import.meta.url)))

/** The command line. */
export const CLI = path.join(ROOT, 'cli.js')

/** The Node under test. The tests themselves run on the Node that runs the test runner. */
export const NODE = process.env.HEAPDUMP_TEST_NODE || process.execPath

/** For `describe`: the work is in child processes, so a few cases of one file run side by side. */
export const PARALLEL = { concurrency: 4 }

/** `heapdump-<sec>.<usec>.heapsnapshot`, as documented. */
export const DEFAULT_NAME = /^heapdump-\d+\.\d{6}\.heapsnapshot$/

/** What files can be compressed with: how a default name ends then, and how every such file begins. */
export const COMPRESSIONS = {
  gzip: { suffix: '.gz', magic: '1f8b' },
  zstd: { suffix: '.zst', magic: '28b52ffd' },
}

/** How long a condition may take to become true on a slow machine that forty others want as well. */
const DEADLINE_MS = 180_000
/** How long something that must not happen is given to happen. */
const ABSENCE_MS = 300
const POLL_MS = 10

// ---------------------------------------------------------------------------------------------
// The end: no child and no file outlives the test.

const children = new Set()
const directories = []

process.on('exit', () => {
  for (const child of children) child.kill('SIGKILL')
  for (const directory of directories) {
    fs.rmSync(directory, { recursive: true, force: true, maxRetries: 3 })
  }
})

// ---------------------------------------------------------------------------------------------
// Versions and permissions

let nodeVersion

/** The version of the Node under test, as `v20.20.2`. */
export function testedNodeVersion() {
  nodeVersion ??= execFileSync(NODE, ['--version'], { encoding: 'utf8' }).trim()
  return nodeVersion
}

/** The major version of the Node under test. */
export function testedNodeMajor() {
  return Number(/^v(\d+)\./.exec(testedNodeVersion())[1])
}

/** The beginning of a script whose `visit(count)` adds so many objects of class `Visit` to a Map. */
export const VISITS = `
  const heapdump = require(ADDON)
  class Visit { constructor(i) { this.url = 'https://example.org/' + i } }
  const visits = new Map()
  function visit(count) { for (let i = 0; i < count; i++) visits.set(visits.size, new Visit(i)) }
  module.visits = visits`

export const isRoot = process.getuid?.() === 0

/** Why there are no live captures on this platform, or `false`: what a test's `skip` takes. */
export const NO_LIVE =
  (process.platform !== 'linux' || process.arch !== 'x64' || !process.report.getReport().header.glibcVersionRuntime) &&
  'live captures need Linux on x64 with glibc'

/** The processes whose parent is `pid`, zombies too. */
export function childrenOf(pid) {
  const children = []
  for (const name of fs.readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue
    try {
      const stat = fs.readFileSync(`/proc/${name}/stat`, 'latin1')
      if (Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]) === pid) children.push(Number(name))
    } catch {
      // It ended while we looked.
    }
  }
  return children
}

/** Why a command cannot be used here, or `false`: what a test's `skip` takes. */
export function whyNotWorking(command, args, what) {
  const { status, error, stderr } = spawnSync(command, args, { encoding: 'utf8' })
  if (status === 0) return false
  return `${what}: ${error?.message ?? stderr.trim().split('\n')[0]}`
}

// ---------------------------------------------------------------------------------------------
// Files

/** A new empty directory, removed at the end. */
export function temporaryDirectory() {
  const directory = fs.mkdtempSync(path.join(fs.realpathSync(os.tmpdir()), 'rs-heapdump-test-'))
  directories.push(directory)
  return directory
}

/** All names in a directory, hidden ones too, sorted. */
export function filesIn(directory) {
  return fs.readdirSync(directory).sort()
}

/** The names of the snapshots in a directory, sorted: by time, for default names. */
export function snapshotsIn(directory) {
  return filesIn(directory).filter((name) => name.endsWith('.heapsnapshot'))
}

/** The names of the unfinished files in a directory. */
export function partialFilesIn(directory) {
  return filesIn(directory).filter((name) => name.endsWith('.partial'))
}

/** Puts the last change of a file this many seconds into the past. */
export function makeOlder(file, seconds) {
  const then = Date.now() / 1000 - seconds
  fs.utimesSync(file, then, then)
}

/** A FIFO at this path. */
export function makeFifo(file) {
  execFileSync('mkfifo', [file])
  return file
}

// ---------------------------------------------------------------------------------------------
// Waiting

/** Waits until `condition` gives something true, and returns it. */
export async function until(condition, what) {
  const deadline = Date.now() + DEADLINE_MS
  for (;;) {
    const value = await condition()
    if (value) return value
    if (Date.now() > deadline) throw new Error(`waited ${DEADLINE_MS} ms for ${what}`)
    await sleep(POLL_MS)
  }
}

/** Waits as long as it takes to believe that something does not happen any more. */
export function aWhile() {
  return sleep(ABSENCE_MS)
}

// ---------------------------------------------------------------------------------------------
// Child processes

const PRELUDE =
  `const ADDON = ${JSON.stringify(ROOT)}; ` +
  `function say(value) { require('fs').writeSync(1, JSON.stringify(value) + '\\n'); }\n`

/** Variables that would change what the child does, whoever set them. */
const FOREIGN_VARIABLES = [
  'NODE_OPTIONS',
  'NODE_HEAPDUMP_OPTIONS',
  'NODE_TEST_CONTEXT',
  'NODE_V8_COVERAGE',
  'RS_HEAPDUMP_FAULT',
]

/** A running process. Its waits fail when it ends first, and at the deadline, with its output. */
export class Child {
  /** What it wrote so far. */
  stdout = ''
  stderr = ''
  /** What it said with `say`: each line of its stdout that is JSON. */
  said = []
  /** How it ended: `{ code, signal }`. */
  end = null
  #heard = 0
  #unreadStdout = ''
  #process
  #listeners = new Set()

  constructor(command, args, { cwd, env, stdio }) {
    this.directory = cwd
    this.#process = spawn(command, args, { cwd, env, stdio: stdio ?? ['pipe', 'pipe', 'pipe'] })
    const child = this.#process
    children.add(child)
    // A child left behind by a failed test must not keep the test runner waiting.
    child.unref()
    for (const stream of child.stdio) stream?.unref?.()
    child.stdin?.on('error', () => {})
    child.stdout?.setEncoding('utf8').on('data', (text) => this.#readStdout(text))
    child.stderr?.setEncoding('utf8').on('data', (text) => {
      this.stderr += text
      this.#changed()
    })
    child.on('error', (error) => {
      this.stderr += `${error.message}\n`
      this.end ??= { code: null, signal: null, error }
      this.#changed()
    })
    child.on('close', (code, signal) => {
      children.delete(child)
      this.end ??= { code, signal }
      this.#changed()
    })
  }

  get pid() {
    return this.#process.pid
  }

  get stdin() {
    return this.#process.stdin
  }

  kill(signal) {
    this.#process.kill(signal)
  }

  /** Closes our end of its stderr: what it writes there from now on fails with EPIPE. */
  closeStderr() {
    this.#process.stderr.destroy()
  }

  /** Waits until it says this value, or one that satisfies this predicate, and returns it. */
  async says(expected) {
    const matches = typeof expected === 'function' ? expected : (value) => value === expected
    const what = typeof expected === 'function' ? expected.toString() : JSON.stringify(expected)
    return this.#waitFor(() => {
      while (this.#heard < this.said.length) {
        const value = this.said[this.#heard++]
        if (matches(value)) return [value]
      }
      return null
    }, `it to say ${what}`).then(([value]) => value)
  }

  /** Waits for the next thing that it says. */
  next() {
    return this.says(() => true)
  }

  /** Waits until lines on stderr match this pattern, `count` of them, and returns these. */
  async complains(pattern, count = 1) {
    return this.#waitFor(() => {
      const lines = this.complaints(pattern)
      return lines.length >= count ? lines : null
    }, `${count} line(s) on stderr that match ${pattern}`)
  }

  /** The whole lines on stderr so far, or those that match a pattern. */
  complaints(pattern = /./) {
    return this.stderr
      .split('\n')
      .slice(0, -1)
      .filter((line) => pattern.test(line))
  }

  /** Waits until `condition` gives something true, and returns it; fails if the process ends first. */
  async until(condition, what) {
    return until(async () => {
      const ended = this.end
      const value = await condition()
      if (!value && ended) throw this.#failure(`ended before ${what}`)
      return value
    }, what).catch((error) => {
      this.kill('SIGKILL')
      throw error.message.startsWith('waited') ? this.#failure(error.message) : error
    })
  }

  /** Waits until it has whole snapshots in its directory, this many, and returns their paths. */
  async snapshots(count = 1) {
    await this.until(() => snapshotsIn(this.directory).length >= count, `${count} snapshot(s) in its directory`)
    return snapshotsIn(this.directory).map((name) => path.join(this.directory, name))
  }

  /** Waits for its end, and returns `{ code, signal }`. */
  async ended() {
    await this.#waitFor(() => this.end, 'its end', true)
    return { code: this.end.code, signal: this.end.signal }
  }

  /** Waits for its end, which must be a clean one. */
  async endsWell() {
    const end = await this.ended()
    if (end.code !== 0) throw this.#failure('ended badly')
    return this
  }

  #readStdout(text) {
    this.stdout += text
    const lines = (this.#unreadStdout + text).split('\n')
    this.#unreadStdout = lines.pop()
    for (const line of lines) {
      try {
        this.said.push(JSON.parse(line))
      } catch {
        // Not said, only printed.
      }
    }
    this.#changed()
  }

  #changed() {
    for (const listener of [...this.#listeners]) listener()
  }

  #waitFor(check, what, evenAtTheEnd = false) {
    return new Promise((resolve, reject) => {
      const finish = (settle, value) => {
        clearTimeout(timer)
        this.#listeners.delete(look)
        settle(value)
      }
      const look = () => {
        const value = check()
        if (value) finish(resolve, value)
        else if (this.end && !evenAtTheEnd) finish(reject, this.#failure(`ended before ${what}`))
      }
      const timer = setTimeout(() => {
        finish(reject, this.#failure(`waited ${DEADLINE_MS} ms for ${what}`))
        this.kill('SIGKILL')
      }, DEADLINE_MS)
      this.#listeners.add(look)
      look()
    })
  }

  #failure(what) {
    const tail = (text) => (text.length > 2000 ? `…${text.slice(-2000)}` : text) || '(nothing)'
    const end = this.end ? `ended with ${JSON.stringify(this.end)}` : 'runs'
    return new Error(
      `process ${this.pid}: ${what}; it ${end}\nstdout: ${tail(this.stdout)}\nstderr: ${tail(this.stderr)}`,
    )
  }
}

/**
 * Starts a script in a process of its own, in a new directory unless `cwd` is given.
 *
 * - `env`: variables to add; `options`: NODE_HEAPDUMP_OPTIONS; `fault`: RS_HEAPDUMP_FAULT
 * - `nodeArgs`: arguments for Node; `args`: for the script
 * - `wrapper`: a command that starts the command after it, such as `['prlimit', '--nofile=64']`
 * - `esm`: the script is an ES module (and loads the addon by itself)
 */
export function start(script, given = {}) {
  const { env, options, fault, nodeArgs = [], args = [], wrapper = [], cwd, stdio, esm } = given
  const file = path.join(temporaryDirectory(), esm ? 'script.mjs' : 'script.cjs')
  // One line, so that line numbers in the output are off by one only.
  fs.writeFileSync(file, esm ? script : PRELUDE + script)
  const variables = cleanEnvironment()
  if (options !== undefined) variables.NODE_HEAPDUMP_OPTIONS = options
  if (fault !== undefined) variables.RS_HEAPDUMP_FAULT = fault
  const [command, ...rest] = [...wrapper, NODE, ...nodeArgs, file, ...args]
  return new Child(command, rest, {
    cwd: cwd ?? temporaryDirectory(),
    env: { ...variables, ...env },
    stdio,
  })
}

function cleanEnvironment() {
  const variables = { ...process.env }
  for (const name of FOREIGN_VARIABLES) delete variables[name]
  return variables
}

/** Starts the command line in a process of its own, in a new directory unless `cwd` is given. */
export function startCli(args, { cwd = temporaryDirectory(), env = {}, wrapper = [] } = {}) {
  const [command, ...rest] = [...wrapper, NODE, CLI, ...args.map(String)]
  return new Child(command, rest, { cwd, env: { ...cleanEnvironment(), ...env } })
}

/** Runs a script to its end, which must be a clean one. */
export async function run(script, options) {
  return start(script, options).endsWell()
}

/** Runs a script to its end, and returns the one thing that it says. */
export async function answer(script, options) {
  const child = await run(script, options)
  assert.equal(child.said.length, 1, `said ${JSON.stringify(child.said)}`)
  return child.said[0]
}

// ---------------------------------------------------------------------------------------------
// Snapshots

/** A whole, consistent snapshot. */
export class Snapshot {
  constructor(json) {
    this.header = json.snapshot
    this.strings = json.strings
    this.nodeCount = json.snapshot.node_count
    this.edgeCount = json.snapshot.edge_count
    this.provenance = json.snapshot.rs_heapdump
    this.#nodes = json.nodes
  }

  #nodes

  /** V8's ids of the objects (not of strings, code and the like) with this constructor. */
  idsOf(className) {
    const { node_fields: fields, node_types: types } = this.header.meta
    const size = fields.length
    const name = fields.indexOf('name')
    const id = fields.indexOf('id')
    const type = fields.indexOf('type')
    const ids = []
    for (let node = 0; node < this.#nodes.length; node += size) {
      if (types[type][this.#nodes[node + type]] === 'object' && this.strings[this.#nodes[node + name]] === className) {
        ids.push(this.#nodes[node + id])
      }
    }
    return ids
  }
}

/** Reads a snapshot, and checks that it is whole, consistent, and says where it comes from. */
export function readSnapshot(file) {
  return parseSnapshot(textOf(file).toString('utf8'))
}

/** The bytes of a file's text. Its first bytes say how it is stored; the decoder of zstd is not that of the addon. */
export function textOf(file) {
  const stored = fs.readFileSync(file)
  if (stored[0] === 0x1f && stored[1] === 0x8b) return gunzipSync(stored)
  if (stored.subarray(0, 4).equals(Buffer.from([0x28, 0xb5, 0x2f, 0xfd]))) return Buffer.from(fzstd.decompress(stored))
  return stored
}

/** Checks the text of a snapshot. See `readSnapshot`. */
export function parseSnapshot(text) {
  // DevTools reads the header before the rest.
  assert.ok(text.startsWith('{"snapshot":{'), `begins with ${text.slice(0, 40)}`)
  const json = JSON.parse(text)
  const { meta, node_count: nodeCount, edge_count: edgeCount } = json.snapshot
  const { node_fields: nodeFields, edge_fields: edgeFields, edge_types: edgeTypes } = meta
  const nodeSize = nodeFields.length
  const edgeSize = edgeFields.length

  assert.ok(nodeCount > 1000, `${nodeCount} nodes`)
  assert.equal(json.nodes.length, nodeCount * nodeSize, 'node fields')
  assert.equal(json.edges.length, edgeCount * edgeSize, 'edge fields')
  assert.ok(json.strings.length > 1000, `${json.strings.length} strings`)
  assert.ok(
    json.strings.every((string) => typeof string === 'string'),
    'strings are strings',
  )

  // One assertion for each kind of damage, not one for each node: there are many nodes.
  const name = nodeFields.indexOf('name')
  const ownEdges = nodeFields.indexOf('edge_count')
  let edgesOfNodes = 0
  let strayNames = 0
  for (let node = 0; node < json.nodes.length; node += nodeSize) {
    edgesOfNodes += json.nodes[node + ownEdges]
    if (!(json.nodes[node + name] < json.strings.length)) strayNames++
  }
  assert.equal(edgesOfNodes, edgeCount, 'the edges of all nodes')
  assert.equal(strayNames, 0, 'node names that are no string')

  const type = edgeFields.indexOf('type')
  const label = edgeFields.indexOf('name_or_index')
  const target = edgeFields.indexOf('to_node')
  const numbered = new Set(['element', 'hidden'].map((kind) => edgeTypes[type].indexOf(kind)))
  let strayEdges = 0
  let strayLabels = 0
  for (let edge = 0; edge < json.edges.length; edge += edgeSize) {
    const to = json.edges[edge + target]
    if (!(to >= 0 && to < json.nodes.length && to % nodeSize === 0)) strayEdges++
    if (!numbered.has(json.edges[edge + type])) {
      if (!(json.edges[edge + label] < json.strings.length)) strayLabels++
    }
  }
  assert.equal(strayEdges, 0, 'edges that lead nowhere')
  assert.equal(strayLabels, 0, 'edge names that are no string')

  checkProvenance(json.snapshot.rs_heapdump)
  return new Snapshot(json)
}

const ISO_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/

function checkProvenance(provenance) {
  assert.ok(provenance, 'the header says where the snapshot comes from')
  const { memory } = provenance
  assert.equal(provenance.version, packageVersion())
  assert.ok(Number.isInteger(provenance.pid) && provenance.pid > 0, `pid ${provenance.pid}`)
  assert.ok(Number.isInteger(provenance.thread_id) && provenance.thread_id >= 0, 'thread_id')
  assert.match(provenance.process_start_time, ISO_TIME)
  assert.match(provenance.time, ISO_TIME)
  const started = Date.parse(provenance.process_start_time)
  const taken = Date.parse(provenance.time)
  // Start times come from clock ticks: 10 ms, rounded.
  assert.ok(started <= taken + 50, `started at ${provenance.process_start_time}, taken before that`)
  assert.ok(Math.abs(taken - Date.now()) < 5 * 60_000, `taken at ${provenance.time}`)
  assert.equal(provenance.node_version, testedNodeVersion())
  assert.match(provenance.trigger, /^(api|signal|capture|watch|near-limit)$/)
  assert.match(provenance.mode, /^(in-process|live|portable|inspector)$/)
  assert.equal(provenance.ids, { live: 'live', inspector: 'unstable' }[provenance.mode] ?? 'comparable')
  assert.equal(Number.isInteger(provenance.ids_stable_up_to), provenance.mode === 'live', 'ids_stable_up_to')
  assert.ok(Number.isInteger(provenance.ids_generation), `generation ${provenance.ids_generation}`)
  for (const figure of ['rss_bytes', 'heap_used_bytes', 'heap_total_bytes']) {
    assert.ok(memory[figure] > 1024 * 1024, `${figure} is ${memory[figure]}`)
  }
  assert.ok(memory.external_bytes >= 0, `external_bytes is ${memory.external_bytes}`)
  assert.ok(memory.heap_used_bytes <= memory.heap_total_bytes, 'used no more than total')
}

let version

/** The version in package.json. */
export function packageVersion() {
  version ??= JSON.parse(fs.readFileSync(path.join(ROOT, 'package.json'), 'utf8')).version
  return version
}
