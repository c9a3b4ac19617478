// Drives one program of the corpus and leaves three snapshots of its process.
//
//   node driver.mjs programs/session-store.cjs OUT_PREFIX [ALIKE [ONLY]]
//
// writes OUT_PREFIX-1.heapsnapshot after the warm-up, -2 after some load, -3 after three times as
// much again: the walk that the README describes. Nothing here lives longer than the call that made
// it, so whatever grows between the snapshots is the program's own.
//
// ALIKE is what objects can be told by: `ids` (the default), `places` (live captures, whose ids say
// nothing) or `some-ids` (live captures, where those of older objects compare); `redacted` is `ids` without
// what strings contain. With ONLY, a number,
// the process leaves that snapshot and no other.

import { createRequire } from 'node:module'
import path from 'node:path'
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'

/** Units of work before each of the snapshots. */
const LOADS = [50, 100, 300]
/** Sockets that were closed are gone after this long, and what finalizers hold. */
const SETTLE_MS = 40

const require = createRequire(import.meta.url)
const heapdump = require('../../index.js')

const [file, prefix] = process.argv.slice(2, 4).map((argument) => path.resolve(argument))
const [alike = 'ids', only] = process.argv.slice(4)
const CAPTURES = {
  ids: (filename) => heapdump.writeSnapshot(filename),
  redacted: (filename) => heapdump.writeSnapshot({ filename, redact: true }),
  places: (filename) => heapdump.writeSnapshotAsync({ filename, live: 'require', comparable: true }),
  'some-ids': (filename) => heapdump.writeSnapshotAsync({ filename, live: 'require', comparable: 'once' }),
}
// As an application would: CommonJS by `require`, so that it lives in the module cache.
const program = file.endsWith('.mjs') ? await import(pathToFileURL(file).href) : require(file)

for (const [index, units] of LOADS.slice(0, only).entries()) {
  await program.load(units)
  await sleep(SETTLE_MS)
  for (let round = 0; round < 3; round++) {
    heapdump.gc()
    await turn()
  }
  if (only && index + 1 < only) continue
  if (!(await CAPTURES[alike](`${prefix}-${index + 1}.heapsnapshot`))) {
    throw new Error(`no snapshot ${index + 1} of ${file}`)
  }
}
await program.close?.()
// Some of the programs have timers and sockets that would keep the process alive.
process.exit(0)
