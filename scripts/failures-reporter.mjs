// A reporter for `node --test`: a line of JSON for each test, `{ file, name, outcome }`. See suite.mjs.

import path from 'node:path'

export default async function* report(source) {
  for await (const { type, data } of source) {
    if (type !== 'test:pass' && type !== 'test:fail') continue
    // Suites hold tests and are none; one that fails by itself (in a hook) has no test to show for it.
    const isSuite = data.details?.type === 'suite'
    const failedByItself = type === 'test:fail' && data.details?.error?.failureType !== 'subtestsFailed'
    if (isSuite && !failedByItself) continue
    if (!isSuite && type === 'test:fail' && !failedByItself) continue
    const skipped = data.skip !== undefined || data.todo !== undefined
    const outcome = skipped ? 'skip' : type === 'test:pass' ? 'pass' : 'fail'
    const file = path.relative(process.cwd(), path.resolve(data.file ?? data.name))
    yield `${JSON.stringify({ file, name: data.name, outcome })}\n`
  }
}
