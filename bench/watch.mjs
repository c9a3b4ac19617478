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

const run = promisify(execFile)
const ROOT = fileURLToPath(new URL('..', import.meta.url))
const CHILD = fileURLToPath(new URL('watch-load.cjs', import.meta.url))
const CONTENDERS = ['nothing', 'the addon', 'watch', 'watch, RSS too']
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

for (const { load, amount, nodeArgs, what } of LOADS) {
  const results = new Map(CONTENDERS.map((contender) => [contender, []]))
  for (let round = 0; round < rounds; round++) {
    const order = CONTENDERS.map((_, at) => CONTENDERS[(at + round) % CONTENDERS.length])
    for (const contender of order) {
      const { stdout } = await run(node, [...nodeArgs, CHILD, load, contender, String(amount)])
      results.get(contender).push(JSON.parse(stdout))
    }
  }
  const bare = results.get('nothing')
  console.log(`## ${load}: ${what}\n`)
  console.log('| loaded | CPU | of it, to bare (quartiles) | in collections | collections | RSS |')
  console.log('| --- | --- | --- | --- | --- | --- |')
  for (const [contender, own] of results) {
    const ratios = own.map((result, round) => result.cpuMs / bare[round].cpuMs)
    const cells = [
      contender,
      `${median(own.map(({ cpuMs }) => cpuMs)).toFixed(1)} ms`,
      `${quantile(ratios, 0.5).toFixed(3)} (${quantile(ratios, 0.25).toFixed(3)} to ${quantile(ratios, 0.75).toFixed(3)})`,
      `${median(own.map(({ collectingMs }) => collectingMs)).toFixed(1)} ms`,
      median(own.map(({ collections }) => collections)),
      `${(median(own.map(({ rssBytes }) => rssBytes)) / 2 ** 20).toFixed(1)} MB`,
    ]
    console.log(`| ${cells.join(' | ')} |`)
  }
  console.log()
}
console.log(`load ${os.loadavg()[0].toFixed(1)} at the end; ${path.basename(CHILD)}`)

function median(numbers) {
  return quantile(numbers, 0.5)
}

function quantile(numbers, share) {
  const sorted = [...numbers].sort((a, b) => a - b)
  return sorted[Math.round((sorted.length - 1) * share)]
}
