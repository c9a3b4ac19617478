// One process of bench/watch.mjs: a fixed amount of work, and what it cost. Runs on Node 16.
//
//   node watch-load.cjs <load> <what is loaded> <amount>

const { performance, PerformanceObserver } = require('perf_hooks')

const [load, loaded, amount] = process.argv.slice(2)
const root = require('path').join(__dirname, '..')
let watcher
if (loaded !== 'nothing') {
  const heapdump = require(root)
  // Settles at once, and then waits for what never comes, so that every collection is looked at.
  const watched = { baseline: false, settleMs: 50, heap: ['9000%'], external: ['9000%'] }
  // What a watcher does once, before it watches: V8 drops compiled code, and compiles it again.
  if (loaded === 'the addon, two collections') {
    heapdump.gc()
    setTimeout(heapdump.gc, 50)
  }
  if (loaded === 'watch') watcher = heapdump.watch(watched)
  if (loaded === 'watch, RSS too') watcher = heapdump.watch({ ...watched, rss: ['9000%'] })
}

let collections = 0
let collectingMs = 0
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) {
    collections++
    collectingMs += entry.duration
  }
}).observe({ entryTypes: ['gc'] })

/** Requests with some kilobytes of JSON each, and a cache of lasting entries. */
function service(requests) {
  const cache = new Map()
  let sum = 0
  for (let i = 0; i < requests; i++) {
    const body = JSON.stringify({
      id: i,
      items: Array.from({ length: 40 }, (_, k) => ({ k, name: `item ${k} of ${i}` })),
    })
    const parsed = JSON.parse(body)
    sum += parsed.items.length
    cache.set(i % 5000, parsed)
  }
  return sum
}

/** Nothing but garbage: as many collections as V8 can make. */
function storm(rounds) {
  let last
  for (let i = 0; i < rounds; i++) for (let k = 0; k < 1000; k++) last = { k, last: [i] }
  return last.k
}

/** What a reading of the counters costs at most: from JavaScript, with an object made of it. */
function reading(times) {
  const { getHeapStatistics } = require('v8')
  for (let i = 0; i < times; i++) getHeapStatistics()
}

/** What a look at the clock costs at most. */
function clock(times) {
  for (let i = 0; i < times; i++) process.hrtime.bigint()
}

function idle(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, milliseconds))
}

/** The collections of settling are no part of the work. */
async function settled() {
  while (watcher && watcher.state === 'settling') await idle(10)
}

async function main() {
  await idle(300)
  await settled()
  collections = 0
  collectingMs = 0
  const cpu = process.cpuUsage()
  const began = performance.now()
  await { service, storm, idle, reading, clock }[load](Number(amount))
  const wallMs = performance.now() - began
  const { user, system } = process.cpuUsage(cpu)
  const rssBytes = process.memoryUsage().rss
  await idle(20) // the observer is told later
  console.log(JSON.stringify({ cpuMs: (user + system) / 1e3, wallMs, rssBytes, collections, collectingMs }))
  process.exit(0)
}

main()
