// npm run soak [-- --captures N] [majors…]: many live captures of a server under load.
//
//   npm run soak                        1,000 on each of Node 18, 20, 22, 24 and 26
//   npm run soak -- --captures 20 20    20 on Node 20: the short version that CI runs
//
// A server that allocates all the time answers requests, takes one live capture after the other, and
// says what it looked like after each: memory, descriptors, how many came to nothing. In the second
// half two workers allocate beside it, on the same threads of V8's. Every file is read by this
// package's own reader, whose counts must be those of the capture; a part is read by JSON.parse too.
// What must be: none lost, no crash, every file valid, memory and descriptors flat.

import { spawn } from 'node:child_process'
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
  options: { captures: { type: 'string', default: '1000' } },
  allowPositionals: true,
})
const captures = Number(values.captures)
const majors = positionals.length > 0 ? positionals.map(Number) : [18, 20, 22, 24, 26]

/** One file in so many is read by JSON.parse as well. */
const PARSE_EVERY = 10
/** Connections that send requests without end, and how long each waits before the next. */
const CLIENTS = 4
const THINK_MS = 10
/** How long a capture may take on a busy machine. */
const PATIENCE_MS = 180_000
/** Descriptors of a capture that are about to be closed when it has told its outcome; those of two workers come once. */
const SPREAD_MAX = 4
/** Captures after which a process has its full size. */
const WARM_UP = 0.2
/** Memory may grow by so much from the warm-up to the end: heaps breathe. */
const GROWTH_MAX = 1.5

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
    if (kept.length < 20000) kept.push(new Session(at))
    else kept[(at * 7919) % kept.length] = new Session(at)
  }
}
allocate(20000)
const server = http.createServer((request, response) => {
  allocate(2000)
  response.end(JSON.stringify(kept.slice(0, 20)))
})
const workers = []
const BUSY = 'const kept = []; for (let i = 0; ; i++) { kept[i % 50000] = { i, more: [i, String(i)] }; if (i % 1e6 === 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1) }'
const say = (value) => fs.writeSync(1, JSON.stringify(value) + '\\n')
process.stdin.setEncoding('utf8').on('data', (text) => {
  for (const line of text.split('\\n')) {
    if (line === 'workers') for (let i = 0; i < 2; i++) workers.push(new Worker(BUSY, { eval: true }))
    else if (line) capture(line)
  }
})
// Without sockets: connections come and go as the clients like.
const descriptors = () => fs.readdirSync('/proc/self/fd').filter((name) => {
  try { return !fs.readlinkSync('/proc/self/fd/' + name).startsWith('socket:') } catch (gone) { return false }
}).length
async function capture(filename) {
  let outcome
  try { outcome = { info: await heapdump.writeSnapshotAsync({ filename, live: 'require' }) } }
  catch ({ code, message }) { outcome = { failure: { code, message } } }
  say({ ...outcome, rss: process.memoryUsage().rss, descriptors: descriptors() })
}
server.listen(0, '127.0.0.1', () => say({ port: server.address().port }))
`

let failed = false
for (const major of majors) {
  const result = await soak(major)
  console.log(result.text)
  if (!result.good) failed = true
}
process.exitCode = failed ? 1 : 0

async function soak(major) {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'rs-heapdump-soak-'))
  const agent = new http.Agent({ keepAlive: true, maxSockets: CLIENTS })
  const problems = []
  const seen = { pauses: [], rss: [], descriptors: [], requests: 0 }
  let done = 0
  let loading = true
  const started = Date.now()
  const script = path.join(directory, 'server.cjs')
  fs.writeFileSync(script, SERVER)
  const server = spawn(nodeBinary(major), [script, ROOT], { stdio: ['pipe', 'pipe', 'inherit'] })
  let end = null
  server.on('exit', (code, signal) => {
    end = { code, signal }
  })
  try {
    const lines = readline.createInterface({ input: server.stdout })[Symbol.asyncIterator]()
    const next = () => patience(lines.next().then(({ value }) => JSON.parse(value)))
    const { port } = await next()
    for (let client = 0; client < CLIENTS; client++) request(port)
    for (; done < captures; done++) {
      if (done === Math.floor(captures / 2)) server.stdin.write('workers\n')
      const file = path.join(directory, 'a.heapsnapshot')
      server.stdin.write(`${file}\n`)
      const { info, failure, rss, descriptors } = await next()
      if (failure) problems.push(`capture ${done}: ${failure.code} ${failure.message}`)
      else problems.push(...(await check(file, info, done)).map((problem) => `capture ${done}: ${problem}`))
      if (info) seen.pauses.push(info.pauseMs)
      seen.rss.push(rss)
      seen.descriptors.push(descriptors)
      fs.rmSync(file, { force: true })
    }
  } catch (error) {
    problems.push(
      `after ${done}: ${error.message}, ${end ? `the server ended with ${JSON.stringify(end)}` : 'it runs'}`,
    )
  } finally {
    loading = false
    agent.destroy()
    server.kill('SIGKILL')
    fs.rmSync(directory, { recursive: true, force: true })
  }
  problems.push(...flatness(seen))
  return { good: problems.length === 0, text: report(major, done, seen, problems, Date.now() - started) }

  function request(port) {
    if (!loading) return
    http
      .get({ port, host: '127.0.0.1', agent }, (response) => {
        seen.requests++
        response.resume().on('end', () => setTimeout(request, THINK_MS, port))
      })
      .on('error', () => loading && problems.push('a request failed'))
  }
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
  if (!(count >= 20_000)) problems.push(`${count} sessions`)
  if (index % PARSE_EVERY === 0) {
    const { snapshot: header, nodes, edges } = JSON.parse(fs.readFileSync(file, 'utf8'))
    const { node_fields: nodeFields, edge_fields: edgeFields } = header.meta
    if (nodes.length !== header.node_count * nodeFields.length) problems.push('nodes are missing')
    if (edges.length !== header.edge_count * edgeFields.length) problems.push('edges are missing')
  }
  return problems
}

/** Compares the time after the warm-up with the end, in the half without workers, and with them. */
function flatness({ rss, descriptors }) {
  const problems = []
  for (const [name, from, to] of [
    ['before the workers', 0, 0.5],
    ['with the workers', 0.5, 1],
  ]) {
    const part = (values, start, end) => values.slice(Math.floor(values.length * start), Math.ceil(values.length * end))
    const begin = from + (to - from) * WARM_UP
    const [early, late] = [part(rss, begin, begin + 0.1), part(rss, to - 0.1, to)].map(median)
    if (late > early * GROWTH_MAX) problems.push(`${name} memory grew from ${mib(early)} to ${mib(late)}`)
    const open = part(descriptors, begin, to)
    const spread = Math.max(...open) - Math.min(...open)
    if (spread > SPREAD_MAX) problems.push(`${name} descriptors went from ${Math.min(...open)} to ${Math.max(...open)}`)
  }
  return problems
}

function median(values) {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]
}

function mib(bytes) {
  return `${Math.round(bytes / 2 ** 20)} MiB`
}

function report(major, done, { pauses, rss, descriptors, requests }, problems, took) {
  const last = (values) => values[values.length - 1]
  const figures = [
    `${done} captures, ${problems.length} problems`,
    `pause median ${median(pauses)?.toFixed(1)}, max ${Math.max(...pauses).toFixed(1)} ms`,
    `memory ${mib(rss[0])} at first, ${mib(last(rss))} at last`,
    `descriptors ${descriptors[0]}, ${last(descriptors)}`,
    `${requests} requests`,
    `${Math.round(took / 1000)} s`,
  ]
  return [`Node ${major}: ${figures.join('; ')}`, ...problems.slice(0, 20).map((problem) => `  ${problem}`)].join('\n')
}

/** Fails when nothing comes for too long. */
function patience(promise) {
  let timer
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`nothing was heard for ${PATIENCE_MS} ms`)), PATIENCE_MS)
  })
  return Promise.race([promise, late]).finally(() => clearTimeout(timer))
}
