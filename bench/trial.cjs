// One trial, in a process of its own: builds a heap, captures it once, prints what that took as JSON.
//
//   node --expose-gc trial.cjs '{"heap":"objects","contender":"v8","file":"…","modules":{…}}'
//
// Linux only: peak memory is VmHWM of /proc/self/status, which /proc/self/clear_refs resets.

const { closeSync, fstatSync, openSync, readFileSync, readSync, writeFileSync } = require('node:fs')
const { setTimeout: sleep } = require('node:timers/promises')
const v8 = require('node:v8')
const heaps = require('./heaps.cjs')

/** Each loads its module at once and returns the call to be measured. */
const contenders = {
  ours: (modules) => ourCall(modules, { gc: false }),
  'ours-gc': (modules) => ourCall(modules, {}),
  'ours-forget': (modules) => ourCall(modules, { gc: false, comparable: false }),
  v8: () => (filename) => v8.writeHeapSnapshot(filename),
  heapdump: (modules) => {
    const { writeSnapshot } = require(modules.heapdump)
    return (filename) => {
      if (!writeSnapshot(filename)) throw new Error('heapdump returned false')
    }
  },
}

function ourCall(modules, options) {
  const { writeSnapshot } = require(modules.ours)
  return (filename) => {
    let failure = null
    writeSnapshot({ filename, ...options }, (error) => (failure = error))
    if (failure) throw failure
  }
}

main(JSON.parse(process.argv[2]))

async function main({ heap, contender, file, modules }) {
  const capture = contenders[contender](modules)
  globalThis.kept = heaps[heap](modules[heap])

  // Garbage of the building is not to be measured: neither its collection nor its memory. The flavor is
  // that of V8's own collection before a snapshot (Node 22 and later know it), which shrinks the heap:
  // else RSS would be lower afterwards than before, whoever captures.
  for (let times = 0; times < 2; times++) {
    globalThis.gc({ type: 'major', execution: 'sync', flavor: 'last-resort' })
    await sleep(250)
  }

  const heapUsedBytes = process.memoryUsage().heapUsed
  const rssBeforeBytes = statusBytes('VmRSS')
  writeFileSync('/proc/self/clear_refs', '5')
  const start = process.hrtime.bigint()
  capture(file)
  const wallMs = Number(process.hrtime.bigint() - start) / 1e6
  const rssPeakBytes = statusBytes('VmHWM')

  await sleep(1000)
  const rssAfterBytes = statusBytes('VmRSS')
  const result = { wallMs, heapUsedBytes, rssBeforeBytes, rssPeakBytes, rssAfterBytes, ...inspect(file) }
  process.stdout.write(JSON.stringify(result))
}

function statusBytes(field) {
  const status = readFileSync('/proc/self/status', 'utf8')
  return Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(status)[1]) * 1024
}

/** Size and node count of a snapshot; throws where it is not whole. */
function inspect(file) {
  const fd = openSync(file, 'r')
  try {
    const fileBytes = fstatSync(fd).size
    const read = (length, position) => {
      const buffer = Buffer.alloc(length)
      return buffer.toString('latin1', 0, readSync(fd, buffer, 0, length, position))
    }
    const count = /"node_count":(\d+)/.exec(read(64 * 1024, 0))
    const whole = read(16, Math.max(0, fileBytes - 16))
      .trimEnd()
      .endsWith(']}')
    if (!count || !whole) throw new Error('the snapshot is not whole')
    return { fileBytes, nodes: Number(count[1]) }
  } finally {
    closeSync(fd)
  }
}
