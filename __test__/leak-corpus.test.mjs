// A few programs of the corpus, so that a change which loses leaks is seen at once; `npm run corpus` is the whole.

import assert from 'node:assert/strict'
import path from 'node:path'
import { describe, it } from 'node:test'
import { answer, NODE, PARALLEL, temporaryDirectory, testedNodeMajor } from './helpers.mjs'
import { drive, openCorpus, runsOn } from './leaks/corpus.mjs'
import { judge } from './leaks/judge.mjs'

/** None of them needs a package. */
const FEW = ['price-alerts', 'order-replies', 'weak-documents', 'widget-instances', 'recent-searches', 'locale-tables']

const { programs } = await openCorpus(undefined, { install: false })

describe('the first suspect of', PARALLEL, () => {
  for (const program of programs.filter(({ name }) => FEW.includes(name))) {
    const skip = !runsOn(program.expected, testedNodeMajor()) && `needs Node ${program.expected.nodes}`
    for (const by of ['ids', 'runs']) {
      it(`${program.name}, told by ${by}`, { skip }, async () => {
        const files = await drive(program, NODE, path.join(temporaryDirectory(), by), by)
        const report = await answer(`require(ADDON).findLeaks(${JSON.stringify(files)}).then(say)`)
        const { hit, wrong, owner } = judge(program.expected, report)
        assert.ok(hit, `${wrong}: ${owner}`)
      })
    }
  }
})
