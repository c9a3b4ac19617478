'use strict'
// Runs memlab's find-leaks on three snapshots, in a process of its own, for bench/leaks.mjs.
//
//   fork('find-leaks.cjs', ['default' | 'all-objects', WORK_DIR, BASELINE, TARGET, FINAL])
//
// sends `{ traces: [text…] }` to its parent: memlab's leak traces in its order, as it prints them.
// `all-objects` is what the option --trace-all-objects of its command line sets.

const fs = require('node:fs')
const path = require('node:path')
const { ConsoleMode, findLeaksBySnapshotFilePaths } = require('@memlab/api')
const { config } = require('@memlab/core')

/** config.traceAllObjectsMode, as of memlab 2.0.5: TraceObjectMode.SelectedJSObjects. */
const SELECTED_JS_OBJECTS = 2

async function main() {
  const [mode, workDir, ...files] = process.argv.slice(2)
  if (mode === 'all-objects') {
    config.oversizeObjectAsLeak = true
    config.oversizeThreshold = 0
    config.traceAllObjectsMode = SELECTED_JS_OBJECTS
  }
  const { length } = await findLeaksBySnapshotFilePaths(...files, { workDir, consoleMode: ConsoleMode.SILENT })
  // What it returns lists, for each object of a path, all that the object refers to; what it prints, the path alone.
  const printed = length > 0 ? fs.readFileSync(path.join(workDir, 'data/out/leaks.txt'), 'utf8') : ''
  const traces = printed.split('--Similar leaks in this run').slice(1)
  if (traces.length !== length) throw new Error(`memlab found ${length} and printed ${traces.length}`)
  process.send({ traces }, () => process.exit(0))
}

main()
