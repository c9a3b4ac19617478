// What a capture does to a server under load: live, in process, and the others.
//
//   npm run bench:live                                  both tables, to the terminal
//   npm run bench:live -- --node 24 --megabytes 100     a part
//
//   --node 20,24           majors of Node to run on
//   --megabytes 500        heap of the server under load
//   --contender live,nothing,in-process,v8,heapdump
//   --warm-up 20           seconds of load before
//   --pauses 100,500,1200  heaps whose pause is measured without load; '' for none
//
// First table: an HTTP server with a heap of small objects, requests from autocannon (in this process)
// for --warm-up seconds before the capture, so that the heap has its size, until its end. One capture of each
// contender, in fresh processes, whose heap is limited to half as much again as it holds: otherwise it grows by
// the load alone, and nobody knows what the capture had to do with it. 'nothing' lasts as long as the longest before it.
// Second table: the pause of a live capture against the memory of the process, without load.
// Memory of the child is the highest RssAnon seen (every 100 ms), inherited pages included.

import { fork } from 'node:child_process'
import fs from 'node:fs'
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { NODE_VERSIONS, nodeBinary } from '../scripts/nodes.mjs'
import { autocannon, CACHE, compileHeapdump, install } from './contenders.mjs'
import { machineFacts } from './machine.mjs'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const SERVER = fileURLToPath(new URL('live-server.cjs', import.meta.url))
const OUTPUT = join(CACHE, 'output')
const CONNECTIONS = 10
const SEMI_SPACE_MB = 16

const { values } = parseArgs({
  options: {
    node: { type: 'string', default: '20,24' },
    megabytes: { type: 'string', default: '500' },
    contender: { type: 'string', default: 'live,nothing,in-process,v8,heapdump' },
    'warm-up': { type: 'string', default: '20' },
    pauses: { type: 'string', default: '100,500,1200' },
  },
})
/** The longest capture so far. */
let longestMs = 10_000
const list = (text) => text.split(',').filter(Boolean)

await install()
await mkdir(OUTPUT, { recursive: true })
const machine = await machineFacts(ROOT, OUTPUT)
console.log(
  `${machine.date}, at ${machine.commit}; ${machine.cores} cores (${machine.cpu}), ${machine.kernel}, load ${machine.load.toFixed(1)}\n`,
)

for (const major of list(values.node)) {
  const rows = []
  for (const what of list(values.contender)) rows.push(await underLoad(major, what, values.megabytes))
  if (rows.length > 0) table(`Node ${NODE_VERSIONS.get(Number(major))}, ${values.megabytes} MB, under load`, rows)
  const pauses = []
  for (const megabytes of list(values.pauses)) pauses.push(await pause(major, megabytes))
  if (pauses.length > 0) table(`Node ${NODE_VERSIONS.get(Number(major))}, a live capture without load`, pauses)
}

async function underLoad(major, what, megabytes) {
  const server = await start(major, what, megabytes)
  const load = autocannon()({
    url: `http://127.0.0.1:${server.port}`,
    connections: CONNECTIONS,
    duration: 3600,
    timeout: 3600,
  })
  await sleep(Number(values['warm-up']) * 1000)
  const figures = await capture(server, what)
  longestMs = Math.max(longestMs, figures.durationMs)
  load.stop()
  const { requests, latency, duration } = await load
  server.process.kill('SIGKILL')
  return {
    capture: what,
    'requests/s': Math.round(requests.total / duration),
    'p50 ms': latency.p50,
    'p99 ms': latency.p99,
    'max ms': latency.max,
    'stall ms': figures.stallMs.toFixed(0),
    'takes s': (figures.durationMs / 1000).toFixed(1),
    'RSS before MB': mb(figures.rssBefore),
    'after MB': mb(figures.rssAfter),
    'child MB': mb(figures.childBytes),
  }
}

async function pause(major, megabytes) {
  const server = await start(major, 'live', megabytes)
  const figures = await capture(server, 'live')
  server.process.kill('SIGKILL')
  return {
    'heap MB': megabytes,
    'RSS MB': mb(figures.rssBefore),
    'nodes M': (figures.nodes / 1e6).toFixed(1),
    'pause ms': figures.pauseMs.toFixed(1),
    'stall ms': figures.stallMs.toFixed(0),
    'child takes s': (figures.durationMs / 1000).toFixed(1),
    'child MB': mb(figures.childBytes),
    'file MB': mb(figures.size),
  }
}

async function start(major, what, megabytes) {
  const binary = nodeBinary(Number(major))
  const heapdump = what === 'heapdump' ? await compileHeapdump(binary, NODE_VERSIONS.get(Number(major))) : ''
  const child = fork(SERVER, [ROOT, heapdump, megabytes], {
    execPath: binary,
    execArgv: [`--max-old-space-size=${Math.round(megabytes * 1.5)}`, `--max-semi-space-size=${SEMI_SPACE_MB}`],
  })
  const { port } = await message(child)
  await sleep(2000)
  return { process: child, port }
}

async function capture(server, what) {
  const filename = join(OUTPUT, `live-${process.pid}.heapsnapshot`)
  let childBytes = 0
  const sampling = setInterval(() => {
    childBytes = Math.max(childBytes, childMemory(server.process.pid))
  }, 100)
  server.process.send({ what, filename, lastsMs: longestMs })
  const figures = await message(server.process)
  clearInterval(sampling)
  await rm(filename, { force: true })
  return { ...figures, childBytes }
}

/** RssAnon of the one child of a process; 0 where it has none. */
function childMemory(parent) {
  try {
    for (const task of fs.readdirSync(`/proc/${parent}/task`)) {
      const [child] = fs.readFileSync(`/proc/${parent}/task/${task}/children`, 'utf8').split(' ').filter(Boolean)
      if (child) return Number(/^RssAnon:\s*(\d+)/m.exec(fs.readFileSync(`/proc/${child}/status`, 'utf8'))[1]) * 1024
    }
  } catch {
    // It has just ended.
  }
  return 0
}

function message(child) {
  return new Promise((resolve, reject) => {
    const ended = (code, signal) => reject(new Error(`the server ended with ${code ?? signal}`))
    child.once('exit', ended)
    child.once('message', (value) => {
      child.off('exit', ended)
      resolve(value)
    })
  })
}

function mb(bytes) {
  return Math.round(bytes / 1e6)
}

function table(title, rows) {
  const names = Object.keys(rows[0])
  const line = (cells) => `| ${cells.join(' | ')} |`
  console.log(`${title}\n`)
  console.log([line(names), line(names.map(() => '---')), ...rows.map((row) => line(Object.values(row)))].join('\n'))
  console.log()
}
