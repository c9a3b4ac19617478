// npm test: the tests of behaviour, in `__test__`, on the Node at hand or on HEAPDUMP_TEST_NODE.
//
//   node scripts/suite.mjs                 all of them
//   node scripts/suite.mjs watch signal    the files whose names hold one of these words
//
// In CI (`CI` is set) a file with a failure is run once more, alone: a machine that stops for a minute must not
// throw work away. What passes then is listed as flaky, at the end, where it is seen: a flaky test is a bug, to be
// mended like any other. Elsewhere a failure is a failure.
//
// `runSuite` is what `npm run test:nodes` uses as well.

import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const ROOT = path.dirname(path.dirname(fileURLToPath(import.meta.url)))
const FAILURES = pathToFileURL(path.join(ROOT, 'scripts', 'failures-reporter.mjs')).href

/** The files of tests, or those whose names hold one of `words`; paths from the root. */
export function testFiles(words = []) {
  return fs
    .readdirSync(path.join(ROOT, '__test__'))
    .filter((name) => name.endsWith('.test.mjs'))
    .filter((name) => words.length === 0 || words.some((word) => name.includes(word)))
    .map((name) => path.join('__test__', name))
}

/**
 * Runs these files, and in CI those that failed once more.
 *
 * Answers with `{ good, pass, fail, skipped, flaky, output }`: counts of tests, the files that passed the second time
 * only, and what a person has to read. `node` is the Node that the processes of the tests run on; with `show` the
 * report of the first run goes to stdout as it comes.
 */
export function runSuite(files, { node, show = false } = {}) {
  const first = runOnce(files, { node, show })
  if (first.good || !process.env.CI || first.failed.length === 0) return { ...first, flaky: [] }
  const second = runOnce(first.failed, { node, show: false })
  const flaky = first.failed.filter((file) => second.good || !second.failed.includes(file))
  return {
    good: second.good,
    // Each test counts once, as it went the last time.
    pass: first.pass + second.pass - first.passedInFailed,
    fail: second.fail,
    skipped: first.skipped + second.skipped - first.skippedInFailed,
    flaky,
    output: `${first.output}\nrun again, alone: ${first.failed.join(', ')}\n${second.output}`,
  }
}

function runOnce(files, { node, show }) {
  const reports = fs.mkdtempSync(path.join(os.tmpdir(), 'rs-heapdump-suite-'))
  const [readable, counted] = ['spec', 'json'].map((name) => path.join(reports, name))
  try {
    const { status, error, stdout, stderr } = spawnSync(
      process.execPath,
      [
        '--test',
        '--test-reporter=spec',
        `--test-reporter-destination=${show ? 'stdout' : readable}`,
        `--test-reporter=${FAILURES}`,
        `--test-reporter-destination=${counted}`,
        ...files,
      ],
      {
        cwd: ROOT,
        encoding: 'utf8',
        env: { ...process.env, ...(node && { HEAPDUMP_TEST_NODE: node }) },
        stdio: ['ignore', show ? 'inherit' : 'pipe', show ? 'inherit' : 'pipe'],
        maxBuffer: 256 * 1024 * 1024,
      },
    )
    if (error) throw error
    const results = fs
      .readFileSync(counted, 'utf8')
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line))
    const count = (outcome, among = results) => among.filter((result) => result.outcome === outcome).length
    const failed = [...new Set(results.filter(({ outcome }) => outcome === 'fail').map(({ file }) => file))]
    const inFailed = results.filter(({ file }) => failed.includes(file))
    return {
      // A file that crashes the runner counts nothing, and fails all the same.
      good: status === 0 && count('fail') === 0 && count('pass') > 0,
      pass: count('pass'),
      fail: count('fail'),
      skipped: count('skip'),
      failed,
      passedInFailed: count('pass', inFailed),
      skippedInFailed: count('skip', inFailed),
      output: show ? '' : failuresOf(fs.readFileSync(readable, 'utf8')) + stdout + stderr,
    }
  } finally {
    fs.rmSync(reports, { recursive: true, force: true })
  }
}

/** The end of a report, which repeats what failed; the whole of it where there is no such end. */
function failuresOf(report) {
  const start = report.lastIndexOf('failing tests:')
  return start === -1 ? report : report.slice(start)
}

/** What to say of files that passed the second time only. */
export function flakyLines(flaky) {
  return flaky.map((file) => `FLAKY: ${file} failed, and passed when run again alone: a bug to be mended`)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const files = testFiles(process.argv.slice(2))
  if (files.length === 0) {
    console.error(`no file in __test__ has a name with ${process.argv.slice(2).join(' or ')}`)
    process.exit(2)
  }
  const { good, pass, fail, skipped, flaky, output } = runSuite(files, { show: true })
  if (output) console.log(output)
  for (const line of flakyLines(flaky)) console.log(line)
  console.log(`${pass} passed, ${fail} failed, ${skipped} skipped`)
  process.exitCode = good ? 0 : 1
}
