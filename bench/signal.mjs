// The time from a signal to the start of its capture, on event loops that are idle, busy and blocked.
//
//   npm run bench:signal
//   npm run bench:signal -- --node 24 --times 20
//
// The signal is sent from here; when the capture began is what the header of its file says. Both are the clock of this
// machine, in whole milliseconds.

import { spawn } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, readdirSync, readSync, rmSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { NODE_VERSIONS, nodeBinary } from '../scripts/nodes.mjs'
import { CACHE } from './contenders.mjs'
import { machineFacts } from './machine.mjs'
import { positive } from './options.mjs'
import { median } from './results.mjs'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const WAIT_MS = 60_000

/** What the event loop does. */
const LOOPS = {
  idle: 'setInterval(() => {}, 1000)',
  'busy (turns of 5 ms)':
    '(function turn() { const end = Date.now() + 5; while (Date.now() < end); setImmediate(turn) })()',
  'blocked (for (;;) {})': 'setTimeout(() => { for (;;) {} }, 10)',
  'blocked (Atomics.wait)': 'setTimeout(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0), 10)',
}

const { values } = parseArgs({
  options: { node: { type: 'string', default: '20,24' }, times: { type: 'string', default: '20' } },
})
const times = positive('times', values.times)
await mkdir(CACHE, { recursive: true })
const machine = await machineFacts(ROOT, CACHE)
console.log(
  `${machine.date}, at ${machine.commit}; ${machine.cores} cores (${machine.cpu}), ${machine.kernel}, load ${machine.load.toFixed(1)}\n`,
)
for (const major of values.node.split(',').map(Number)) {
  const rows = {}
  for (const [loop, script] of Object.entries(LOOPS)) rows[loop] = await measure(major, script)
  console.log(`Node ${NODE_VERSIONS.get(major)}, from the signal to the start of the capture, in ms; ${times} times`)
  console.table(rows)
}

async function measure(major, script) {
  const directory = mkdtempSync(join(CACHE, 'signal-'))
  const child = spawn(nodeBinary(major), ['-r', ROOT, '-e', `${script}; console.log('ready')`], {
    cwd: directory,
    env: { ...process.env, NODE_HEAPDUMP_OPTIONS: 'quiet,nogc' },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  try {
    await new Promise((resolve) => child.stdout.once('data', resolve))
    await sleep(200) // for the loop to be what it is to be
    const taken = []
    for (let at = 0; at < times; at++) {
      const sent = Date.now()
      child.kill('SIGUSR2')
      taken.push(timeOf(await latest(directory, at + 1)) - sent)
      await sleep(20)
    }
    taken.sort((a, b) => a - b)
    return { median: median(taken), p90: taken[Math.floor(taken.length * 0.9)], max: taken.at(-1) }
  } finally {
    child.kill('SIGKILL')
    rmSync(directory, { recursive: true, force: true })
  }
}

/** The latest snapshot of `count`. */
async function latest(directory, count) {
  for (const end = Date.now() + WAIT_MS; Date.now() < end; await sleep(2)) {
    const files = readdirSync(directory).filter((name) => name.endsWith('.heapsnapshot'))
    if (files.length >= count) return join(directory, files.sort().at(-1))
  }
  throw new Error(`no snapshot within ${WAIT_MS} ms`)
}

/** When the capture began, by its header. */
function timeOf(file) {
  const descriptor = openSync(file, 'r')
  const header = Buffer.alloc(2048)
  readSync(descriptor, header)
  closeSync(descriptor)
  return Date.parse(/"time":"([^"]+)"/.exec(header.toString('latin1'))[1])
}
