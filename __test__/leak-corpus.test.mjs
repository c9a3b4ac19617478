// A few programs of the corpus, so that a change which loses leaks is seen at once; `npm run corpus` is the whole.

import assert from 'node:assert/strict'
import path from 'node:path'
import { describe, it } from 'node:test'
import { answer, NODE, PARALLEL, temporaryDirectory, testedNodeMajor } from './helpers.mjs'
import { drive, openCorpus, runsOn } from './leaks/corpus.mjs'
import { judge } from './leaks/judge.mjs'

/** None of them needs a package. */
const FEW = ['price-alerts', 'order-replies', 'weak-documents', 'widget-instances', 'recent-searches', 'locale-tables']
/** What names these is in strings: the description of a symbol, the name of a global, the file of a module. */
const REDACTED = ['symbol-audit', 'sloppy-stats', 'job-tracker']

const { programs } = await openCorpus(undefined, { install: false })
const cases = [
  ...FEW.flatMap((name) => [
    [name, 'ids'],
    [name, 'runs'],
  ]),
  ...REDACTED.map((name) => [name, 'redacted']),
]

describe('the first suspect of', PARALLEL, () => {
  for (const [name, by] of cases) {
    const program = programs.find((program) => program.name === name)
    const skip = !runsOn(program.expected, testedNodeMajor()) && `needs Node ${program.expected.nodes}`
    it(`${name}, told by ${by}`, { skip }, async () => {
      const files = await drive(program, NODE, path.join(temporaryDirectory(), by), by)
      const report = await answer(`require(ADDON).findLeaks(${JSON.stringify(files)}).then(say)`)
      const { hit, wrong, owner } = judge(program.expected, report)
      assert.ok(hit, `${wrong}: ${owner}`)
    })
  }
})
