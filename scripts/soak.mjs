// npm run soak [-- options] [majors…]: many live captures of a server under load.
//
//   npm run soak                        1,000 on each of Node 18, 20, 22, 24 and 26
//   npm run soak -- --captures 20 20    20 on Node 20: the short version that CI runs
//   npm run soak -- --captures 200 24 20 24 20    in turns; each run has a process of its own
//
//   --captures 1000   captures of each run
//   --workers 0.1     the share of them made with two busy workers, which take both of two processors
//
// A server that allocates all the time answers requests, takes one live capture after the other, and
// says what it looked like after each: memory, descriptors. For the last part two workers allocate
// beside it, on the same threads of V8's. Every file is read by this package's own reader, whose
// counts must be those of the capture; a part is read by JSON.parse too.
//
// What must be: no capture lost, no crash, not even of a child that another one makes good, every file
// valid, memory and descriptors flat. Children that came upon a lock of a worker's (V8 has one for the
// collectors of all isolates) are counted. Ctrl-C ends a run early and judges what was done.
// Exit: 0 all well, 1 something was not, 130 interrupted and well so far.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs'
import http from 'node:http'
import { createRequire } from 'node:module'
import os from 'node:os'
import path from 'node:path'
import readline from 'node:readline'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { nodeBinary } from './nodes.mjs'

const ROOT = path.dirname(path.dirname(fileURLToPath(import.meta.url)))
const { openSnapshot } = createRequire(import.meta.url)(ROOT)

const { values, positionals } = parseArgs({
  options: {
    captures: { type: 'string', default: '1000' },
    workers: { type: 'string', default: '0.1' },
  },
  allowPositionals: true,
})
const captures = Number(values.captures)
const withWorkers = Math.round(captures * Number(values.workers))
const majors = positionals.length > 0 ? positionals.map(Number) : [18, 20, 22, 24, 26]

/** One file in so many is read by JSON.parse as well. */
const PARSE_EVERY = 10
/** Connections that send requests without end, and how long each waits before the next. */
const CLIENTS = 4
const THINK_MS = 20
/** Requests and captures after which a process has its full size; these captures do not count. */
const WARM_UP_REQUESTS = 500
const WARM_UP_CAPTURES = 3
/** How long a capture may take on a busy machine. */
const PATIENCE_MS = 600_000
/** Fewer readings than these say nothing of whether something grows. */
const READINGS_MIN = 8
/** How much more memory is not growth: V8 takes and gives back in large steps. */
const BREATH = 1.25
/** So that a heap has its full size soon. */
const NODE_ARGUMENTS = ['--max-semi-space-size=4']

const SESSIONS = 5000
const SERVER = `
const heapdump = require(process.argv[2])
const http = require('http')
const { Worker } = require('worker_threads')
const fs = require('fs')

// Objects that live for a while: old ones go as new ones come, so that all of the collector is at work.
const kept = []
class Session { constructor(i) { this.id = i; this.user = { name: 'user ' + i, tags: ['a', 'b', String(i)] } } }
let count = 0
const allocate = (n) => {
  for (let i = 0; i < n; i++) {
    const at = count++
    if (kept.length < ${SESSIONS}) kept.push(new Session(at))
    else kept[(at * 7919) % kept.length] = new Session(at)
  }
}
allocate(${SESSIONS})
const server = http.createServer((request, response) => {
  allocate(2000)
  response.end(JSON.stringify(kept.slice(0, 20)))
})
// A server that other processes have starved for five seconds would close connections that a request is under way on.
server.keepAliveTimeout = 0
// A worker whose heap is bounded, and that never ends.
const BUSY = 'const kept = []; for (let i = 0; ; i++) { kept[i % 20000] = { i, more: [i, String(i)] }; if (i % 1e6 === 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1) }'
const startWorker = () => {
  const resourceLimits = { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 8 }
  const worker = new Worker(BUSY, { eval: true, resourceLimits })
  return new Promise((started) => worker.on('online', started).on('error', (error) => { throw error }))
}
const say = (value) => fs.writeSync(1, JSON.stringify(value) + '\\n')
process.on('SIGINT', () => {}) // Ctrl-C is for the soak
// Without sockets: connections come and go as the clients like.
const descriptors = () => fs.readdirSync('/proc/self/fd').filter((name) => {
  try { return !fs.readlinkSync('/proc/self/fd/' + name).startsWith('socket:') } catch (gone) { return false }
}).length
const looks = () => ({ rss: process.memoryUsage().rss, descriptors: descriptors() })
const capture = async (filename) => {
  let outcome
  try { outcome = { info: await heapdump.writeSnapshotAsync({ filename, live: 'require' }) } }
  catch ({ code, message }) { outcome = { failure: { code, message } } }
  // In a later turn what the capture had opened is closed.
  setTimeout(() => say({ ...outcome, ...looks() }), 20)
}
process.stdin.setEncoding('utf8').on('end', () => process.exit()).on('data', (text) => {
  for (const line of text.split('\\n')) {
    if (line === 'workers') Promise.all([startWorker(), startWorker()]).then(() => say('workers'))
    else if (line) capture(line)
  }
})
server.listen(0, '127.0.0.1', () => say({ port: server.address().port }))
`

class Interrupted extends Error {}
const interruption = new Promise((_, reject) => {
  process.once('SIGINT', () => reject(new Interrupted()))
})
interruption.catch(() => {
  process.exitCode ||= 130
})

for (const major of majors) {
  const { text, good, interrupted } = await soak(major)
  console.log(text)
  if (!good) process.exitCode = 1
  if (interrupted) break
}
// The interruption that may yet come would keep nobody waiting, a reader of snapshots might.
process.exit()

async function soak(major) {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'rs-heapdump-soak-'))
  const file = path.join(directory, 'a.heapsnapshot')
  const agent = new http.Agent({ keepAlive: true, maxSockets: CLIENTS })
  const problems = []
  const alone = part()
  const beside = part()
  let requests = 0
  let loading = true
  let interrupted = false
  const started = Date.now()
  const script = path.join(directory, 'server.cjs')
  fs.writeFileSync(script, SERVER)
  const server = spawn(nodeBinary(major), [...NODE_ARGUMENTS, script, ROOT], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, RS_HEAPDUMP_FAULT: 'live-tell' },
  })
  let current = alone
  readline.createInterface({ input: server.stderr }).on('line', (line) => {
    if (/^live capture: child \d+: .*lock/.test(line)) current.locks++
    else if (/^live capture: /.test(line)) problems.push(`${current.name}, after ${current.done} captures: ${line}`)
    else console.error(line)
  })
  const end = once(server, 'exit')
  server.stdin.on('error', () => {}) // its end is told below
  const lines = readline.createInterface({ input: server.stdout })[Symbol.asyncIterator]()
  const next = async () => {
    const line = await within(PATIENCE_MS, lines.next())
    if (line.done) throw new Error(`the server ended with ${JSON.stringify(await end)}`)
    return JSON.parse(line.value)
  }
  const capture = async () => {
    server.stdin.write(`${file}\n`)
    return next()
  }
  /** Takes so many captures, and checks each. */
  const fill = async (seen, count) => {
    current = seen
    for (let warm = 0; count > 0 && warm < WARM_UP_CAPTURES; warm++) await capture()
    while (seen.done < count) {
      const { info, failure, ...looks } = await capture()
      const complain = (problem) => problems.push(`capture ${seen.done} of those ${seen.name}: ${problem}`)
      if (failure) complain(`${failure.code} ${failure.message}`)
      else for (const problem of await check(file, info, seen.done)) complain(problem)
      if (failure) seen.lost++
      else seen.pauses.push(info.pauseMs)
      seen.rss.push(looks.rss)
      seen.descriptors.push(looks.descriptors)
      seen.done++
      fs.rmSync(file, { force: true })
    }
  }
  alone.name = 'without workers'
  beside.name = 'with workers'
  try {
    const { port } = await next()
    for (let client = 0; client < CLIENTS; client++) request(port)
    while (requests < WARM_UP_REQUESTS) await within(PATIENCE_MS, new Promise((later) => setTimeout(later, 50)))
    await fill(alone, captures - withWorkers)
    if (withWorkers > 0) {
      server.stdin.write('workers\n')
      await next()
      await fill(beside, withWorkers)
    }
  } catch (error) {
    if (error instanceof Interrupted) interrupted = true
    else problems.push(`after ${alone.done + beside.done} captures: ${error.message}`)
  } finally {
    loading = false
    agent.destroy()
    server.kill('SIGKILL')
    await end
    fs.rmSync(directory, { recursive: true, force: true, maxRetries: 5 })
  }
  for (const seen of [alone, beside]) problems.push(...growth(seen))
  const took = Math.round((Date.now() - started) / 1000)
  const outcome = interrupted ? ', interrupted' : ''
  const text = [
    `Node ${major}: ${problems.length} problems; ${requests} requests; ${took} s${outcome}`,
    ...[alone, beside].filter(({ done }) => done > 0).map((seen) => `  ${describe(seen)}`),
    ...problems.slice(0, 20).map((problem) => `  problem: ${problem}`),
  ].join('\n')
  return { good: problems.length === 0, interrupted, text }

  function request(port) {
    if (!loading) return
    http
      .get({ port, host: '127.0.0.1', agent }, (response) => {
        requests++
        response.resume().on('end', () => setTimeout(request, THINK_MS, port))
      })
      .on('error', (error) => loading && problems.push(`a request failed: ${error.message}`))
  }
}

/** What is seen of a part of a run: as many readings of each kind as captures. */
function part() {
  return { name: '', done: 0, lost: 0, locks: 0, pauses: [], rss: [], descriptors: [] }
}

/** What is wrong with a file. */
async function check(file, info, index) {
  const problems = []
  if (info.mode !== 'live') problems.push(`mode ${info.mode}`)
  if (fs.statSync(file).size !== info.bytes) problems.push('its size is another')
  const snapshot = await openSnapshot(file)
  if (snapshot.nodes !== info.nodes || snapshot.edges !== info.edges) problems.push('its counts are others')
  const { classes } = await snapshot.summary({ filter: 'Session' })
  snapshot.close()
  const count = classes.find(({ name }) => name === 'Session')?.count
  if (!(count >= SESSIONS)) problems.push(`${count} sessions`)
  if (index % PARSE_EVERY === 0) {
    const { snapshot: header, nodes, edges } = JSON.parse(fs.readFileSync(file, 'utf8'))
    const { node_fields: nodeFields, edge_fields: edgeFields } = header.meta
    if (nodes.length !== header.node_count * nodeFields.length) problems.push('nodes are missing')
    if (edges.length !== header.edge_count * edgeFields.length) problems.push('edges are missing')
  }
  return problems
}

/**
 * What grows: half of the later readings are above all of the earlier ones. What breathes comes back
 * to where it was; what leaks does not, however many readings there are.
 */
function growth({ name, rss, descriptors }) {
  const problems = []
  for (const [what, readings, show, breath] of [
    ['memory', rss, mib, BREATH],
    ['descriptors', descriptors, String, 1],
  ]) {
    if (readings.length < READINGS_MIN) continue
    const middle = Math.floor(readings.length / 2)
    const [most, typical] = [Math.max(...readings.slice(0, middle)), median(readings.slice(middle))]
    if (typical > most * breath)
      problems.push(`${name} ${what} grew: at most ${show(most)} at first, ${show(typical)} later`)
  }
  return problems
}

function median(values) {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]
}

function mib(bytes) {
  return `${Math.round(bytes / 2 ** 20)} MiB`
}

function describe({ name, done, lost, locks, pauses, rss, descriptors }) {
  const later = (values) => values.slice(Math.floor(values.length / 2))
  const halves = (values, show) =>
    `${show(median(values.slice(0, Math.ceil(values.length / 2))))}, then ${show(median(later(values)))}`
  return [
    `${done} captures ${name}, ${lost} lost, ${locks} children came upon a lock`,
    `pause ${median(pauses)?.toFixed(1)} ms, at most ${Math.max(...pauses).toFixed(1)} ms`,
    `memory ${halves(rss, mib)}`,
    `descriptors ${halves(descriptors, String)}`,
  ].join('; ')
}

/** Fails when it takes too long, and when we are interrupted. */
function within(milliseconds, promise) {
  let timer
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`nothing was heard for ${milliseconds} ms`)), milliseconds)
  })
  return Promise.race([promise, late, interruption]).finally(() => clearTimeout(timer))
}
