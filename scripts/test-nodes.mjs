// npm run test:nodes [majors…]: the whole suite on each Node version, with one and the same binary.
//
//   npm run test:nodes          all of them
//   npm run test:nodes 16 26    these
//   npm run test:nodes others   all but the one at hand, which `npm test` has seen to
//
// The runner runs on the Node at hand; HEAPDUMP_TEST_NODE tells it which Node the processes of the
// tests run on. Output of a version is shown only where something failed. The last line counts the
// tests over the whole matrix; the exit code is 1 where any of them failed.

import { NODE_VERSIONS, nodeBinary } from './nodes.mjs'
import { flakyLines, runSuite, testFiles } from './suite.mjs'

const asked = process.argv.slice(2)
const majors = [...NODE_VERSIONS.keys()].filter((major) => {
  if (asked.includes('others')) return `v${NODE_VERSIONS.get(major)}` !== process.version
  return asked.length === 0 || asked.includes(String(major))
})
const total = { pass: 0, fail: 0 }
let failed = false

try {
  for (const major of majors) {
    const node = nodeBinary(major)
    const started = Date.now()
    const { good, pass, fail, skipped, flaky, output } = runSuite(testFiles(), { node })
    const seconds = Math.round((Date.now() - started) / 1000)
    const version = NODE_VERSIONS.get(major).padEnd(8)
    const skips = skipped > 0 ? `, ${skipped} skipped` : ''
    console.log(`Node ${version} ${pass} passed, ${fail} failed${skips} in ${seconds} s`)
    for (const line of flakyLines(flaky)) console.log(`  ${line}`)
    total.pass += pass
    total.fail += fail
    if (!good) failed = true
    if (!good || flaky.length > 0) console.log(output)
  }
} catch (error) {
  failed = true
  console.error(`test:nodes: ${error.message}`)
}

console.log(`${total.pass} passed, ${total.fail} failed`)
process.exitCode = failed ? 1 : 0
