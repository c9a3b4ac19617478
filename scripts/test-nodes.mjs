// npm run test:nodes [majors…]: the whole suite on each Node version, with one and the same binary.
//
//   npm run test:nodes          all of them
//   npm run test:nodes 16 26    these
//
// The runner runs on the Node at hand; HEAPDUMP_TEST_NODE tells it which Node the processes of the
// tests run on. Output of a version is shown only where something failed. The last line counts the
// tests over the whole matrix; the exit code is 1 where any of them failed.

import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { NODE_VERSIONS, nodeBinary } from './nodes.mjs'

const ROOT = path.dirname(path.dirname(fileURLToPath(import.meta.url)))

const asked = process.argv.slice(2).map(Number)
const majors = asked.length > 0 ? asked : [...NODE_VERSIONS.keys()]
const reports = fs.mkdtempSync(path.join(os.tmpdir(), 'rs-heapdump-nodes-'))
const total = { pass: 0, fail: 0 }
let failed = false

try {
  for (const major of majors) {
    const { pass, fail, skipped, seconds, status, output } = testOn(nodeBinary(major))
    const version = NODE_VERSIONS.get(major).padEnd(8)
    const skips = skipped > 0 ? `, ${skipped} skipped` : ''
    console.log(`Node ${version} ${pass} passed, ${fail} failed${skips} in ${seconds} s`)
    total.pass += pass
    total.fail += fail
    // A file that crashes the runner counts nothing, and fails all the same.
    if (status !== 0 || fail > 0 || pass === 0) {
      failed = true
      console.log(output)
    }
  }
} catch (error) {
  failed = true
  console.error(`test:nodes: ${error.message}`)
} finally {
  fs.rmSync(reports, { recursive: true, force: true })
}

console.log(`${total.pass} passed, ${total.fail} failed`)
process.exitCode = failed ? 1 : 0

/** Runs the suite once, with this Node under test. */
function testOn(node) {
  const files = fs
    .readdirSync(path.join(ROOT, '__test__'))
    .filter((name) => name.endsWith('.test.mjs'))
    .map((name) => path.join('__test__', name))
  const [readable, countable] = ['spec', 'tap'].map((name) => path.join(reports, name))
  const started = Date.now()
  const { status, error, stdout, stderr } = spawnSync(
    process.execPath,
    [
      '--test',
      '--test-reporter=spec',
      `--test-reporter-destination=${readable}`,
      '--test-reporter=tap',
      `--test-reporter-destination=${countable}`,
      ...files,
    ],
    {
      cwd: ROOT,
      encoding: 'utf8',
      env: { ...process.env, HEAPDUMP_TEST_NODE: node },
      maxBuffer: 256 * 1024 * 1024,
    },
  )
  if (error) throw error
  const counts = fs.readFileSync(countable, 'utf8')
  // The figures at the end: `# pass 12`.
  const count = (name) => {
    const matches = [...counts.matchAll(new RegExp(`^# ${name} (\\d+)$`, 'gm'))]
    return Number(matches.at(-1)?.[1] ?? 0)
  }
  return {
    pass: count('pass'),
    fail: count('fail') + count('cancelled'),
    skipped: count('skipped'),
    seconds: Math.round((Date.now() - started) / 1000),
    status,
    output: failuresOf(fs.readFileSync(readable, 'utf8')) + stdout + stderr,
  }
}

/** The end of a report, which repeats what failed; the whole of it where there is no such end. */
function failuresOf(report) {
  const start = report.lastIndexOf('failing tests:')
  return start === -1 ? report : report.slice(start)
}
