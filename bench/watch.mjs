// What it costs to have the addon loaded, and to have memory watched, where nothing happens.
//
//   npm run bench:watch                       all loads, on this Node
//   npm run bench:watch -- --rounds 15 --node 24
//
// Each round runs every contender once, in a process of its own, in another order; what is shown is the median over
// the rounds of the ratio to the bare process of the same round, and of the figures themselves.

import { execFile } from 'node:child_process'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs, promisify } from 'node:util'
import { nodeBinary } from '../scripts/nodes.mjs'
import { machineFacts } from './machine.mjs'
import { positive } from './options.mjs'
import { inTurns } from './turns.mjs'

const run = promisify(execFile)
const ROOT = fileURLToPath(new URL('..', import.meta.url))
const CHILD = fileURLToPath(new URL('watch-load.cjs', import.meta.url))
const CONTENDERS = ['nothing', 'the addon', 'the addon, two collections', 'watch', 'watch, RSS too']
const LOADS = [
  { load: 'service', amount: 20_000, nodeArgs: [], what: 'JSON and a cache' },
  {
    load: 'storm',
    amount: 50_000,
    nodeArgs: ['--max-semi-space-size=1'],
    what: 'nothing but garbage, semi-spaces of 1 MB',
  },
  { load: 'idle', amount: 5_000, nodeArgs: [], what: 'five idle seconds' },
]

const { values } = parseArgs({ options: { node: { type: 'string' }, rounds: { type: 'string', default: '7' } } })
const rounds = positive('rounds', values.rounds)
const node = values.node ? nodeBinary(Number(values.node)) : process.execPath
const version = (await run(node, ['--version'])).stdout.trim()

const machine = await machineFacts(ROOT, os.tmpdir())
console.log(
  `${machine.date}, at ${machine.commit}; ${machine.cores} cores (${machine.cpu}), ${machine.kernel}, ` +
    `load ${machine.load.toFixed(1)} at the start; Node ${version}, ${rounds} rounds\n`,
)

const results = new Map()
for (const { load, amount, nodeArgs, what } of LOADS) {
  const own = await inTurns(CONTENDERS, rounds, async (contender) => {
    const { stdout } = await run(node, [...nodeArgs, CHILD, load, contender, String(amount)])
    return JSON.parse(stdout)
  })
  const bare = own.get('nothing')
  results.set(load, own)
  console.log(`## ${load}: ${what}\n`)
  console.log('| loaded | CPU | of it, to bare (quartiles) | in collections | collections | RSS |')
  console.log('| --- | --- | --- | --- | --- | --- |')
  for (const [contender, runs] of own) {
    const ratios = runs.map((result, round) => result.cpuMs / bare[round].cpuMs)
    const cells = [
      contender,
      `${median(runs.map(({ cpuMs }) => cpuMs)).toFixed(1)} ms`,
      `${quantile(ratios, 0.5).toFixed(3)} (${quantile(ratios, 0.25).toFixed(3)} to ${quantile(ratios, 0.75).toFixed(3)})`,
      `${median(runs.map(({ collectingMs }) => collectingMs)).toFixed(1)} ms`,
      median(runs.map(({ collections }) => collections)),
      `${(median(runs.map(({ rssBytes }) => rssBytes)) / 2 ** 20).toFixed(1)} MB`,
    ]
    console.log(`| ${cells.join(' | ')} |`)
  }
  console.log()
}
// Too little to be seen above: so it is counted. One core has 1e6 µs a second.
const TIMES = 200_000
const [reading, clock] = await Promise.all(['reading', 'clock'].map(costUs))
const stormy = results.get('storm').get('watch')
const perSecond = median(stormy.map(({ collections, cpuMs }) => (collections / cpuMs) * 1e3))
const share = (us) => `${(us / 1e4).toFixed(3)} %`
console.log('## what the hook costs, counted\n')
console.log(`A reading takes ${reading.toFixed(2)} µs at most (\`v8.getHeapStatistics()\` from JavaScript); there are 20 a second at
most: ${share(20 * reading)} of a core. Any other collection takes a look at the clock, ${clock.toFixed(2)} µs at most: at
${perSecond.toFixed(0)} collections a second of CPU time (storm), ${share(perSecond * clock)}.\n`)
console.log(`load ${os.loadavg()[0].toFixed(1)} at the end; ${path.basename(CHILD)}`)

/** CPU time of one call. */
async function costUs(what) {
  const { stdout } = await run(node, [CHILD, what, 'nothing', String(TIMES)])
  return (JSON.parse(stdout).cpuMs * 1e3) / TIMES
}

function median(numbers) {
  return quantile(numbers, 0.5)
}

function quantile(numbers, share) {
  const sorted = [...numbers].sort((a, b) => a - b)
  return sorted[Math.round((sorted.length - 1) * share)]
}
