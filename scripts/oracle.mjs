// Checks every figure of the reading half against DevTools' own code, on real snapshots.
//
//   npm run oracle               needs a built addon; snapshots of all pinned versions of Node
//   npm run oracle -- 20 24      of these
//
// fixtures/ makes the snapshots (two of each of its programs, by the addon itself, so that DevTools is
// seen to read its files), oracle/ has DevTools' worker compute
// its figures, and tests/oracle.rs compares: every node's shallow size, retained size, distance,
// dominator and class, every row of Summary and Comparison. Of one program, DevTools' figures of the redacted
// file are compared with those of the plain one, too. `oracle/random.mjs` makes snapshots that no V8 would write, for
// the same comparison by hand.

import { execFileSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { NODE_VERSIONS, nodeBinary } from './nodes.mjs'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const directory = join(root, '.oracle')
/** The program whose second snapshot is redacted. */
const REDACTED = 'closures'
const majors = process.argv.length > 2 ? process.argv.slice(2) : [...NODE_VERSIONS.keys()]
const run = (command, args, env = {}) =>
  execFileSync(command, args, { cwd: root, stdio: 'inherit', env: { ...process.env, ...env } })

rmSync(directory, { recursive: true, force: true })
const nodes = []
for (const major of majors) nodes.push(await nodeBinary(major))
run('npm', ['install', '--no-save', '--no-audit', '--no-fund', '--silent', '--prefix', 'oracle'])
run(process.execPath, ['fixtures/make.mjs', directory, ...nodes], { SNAPSHOTS_BY: 'rs-heapdump' })
run(process.execPath, ['oracle/all.mjs', directory])
const redacted = majors.map((major) => join(directory, `${REDACTED}-${major}-2.heapsnapshot`))
run(process.execPath, ['oracle/redacted.mjs', ...redacted])
run('cargo', ['test', '--profile', 'fast', '--test', 'oracle', '--', '--nocapture'], { HEAP_ORACLE_DIR: directory })
