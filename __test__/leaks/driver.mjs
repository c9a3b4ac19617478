// Drives one program of the corpus and leaves three snapshots of its process.
//
//   node driver.mjs programs/session-store.cjs OUT_PREFIX [--redact]
//
// writes OUT_PREFIX-1.heapsnapshot after the warm-up, -2 after some load, -3 after three times as
// much again: the walk that the README describes. Nothing here lives longer than the call that made
// it, so whatever grows between the snapshots is the program's own.

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
const redact = process.argv[4] === '--redact'
// As an application would: CommonJS by `require`, so that it lives in the module cache.
const program = file.endsWith('.mjs') ? await import(pathToFileURL(file).href) : require(file)

for (const [index, units] of LOADS.entries()) {
  await program.load(units)
  await sleep(SETTLE_MS)
  for (let round = 0; round < 3; round++) {
    heapdump.gc()
    await turn()
  }
  if (!heapdump.writeSnapshot({ filename: `${prefix}-${index + 1}.heapsnapshot`, redact })) {
    throw new Error(`no snapshot ${index + 1} of ${file}`)
  }
}
await program.close?.()
// Some of the programs have timers and sockets that would keep the process alive.
process.exit(0)
