'use strict'

// Runs one side of a rule's program and takes three snapshots:
//
//   node run-rule.cjs RULE leaking|steady OUT_DIR
//
// Works on any Node: the snapshots are V8's own, taken after a collection.

const path = require('node:path')
const v8 = require('node:v8')
const vm = require('node:vm')

const [, , rule, side, directory] = process.argv
const program = require(path.join(__dirname, `${rule}.cjs`))
const { load, close } = program[side]
const step = program.step ?? 100

v8.setFlagsFromString('--expose-gc')
const gc = vm.runInNewContext('gc')

async function main() {
  const loads = [step, 2 * step, 3 * step]
  for (const [at, n] of loads.entries()) {
    await load(n)
    // What is garbage now is not to be seen; finalizers and sockets get their turn.
    await new Promise((resolve) => setTimeout(resolve, 50))
    gc()
    v8.writeHeapSnapshot(path.join(directory, `${at + 1}.heapsnapshot`))
  }
  await close?.()
  process.exit(0)
}

main()
