// One capture by writeSnapshotAsync in a process of its own (async-trial.cjs), for compression.mjs and redaction.mjs.

import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { nodeBinary } from '../scripts/nodes.mjs'
import { CACHE } from './contenders.mjs'

const TRIAL = fileURLToPath(new URL('async-trial.cjs', import.meta.url))

/** Where the files of trials are. */
export const OUTPUT = join(CACHE, 'output')

/** What a capture with these options took on this major of Node. */
export async function capture(major, options) {
  const trial = JSON.stringify({ options, file: join(OUTPUT, `trial-${process.pid}`) })
  const { stdout } = await promisify(execFile)(nodeBinary(major), [
    '--expose-gc',
    '--max-old-space-size=4096',
    TRIAL,
    trial,
  ])
  return JSON.parse(stdout)
}
