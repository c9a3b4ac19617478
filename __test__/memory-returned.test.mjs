// What a capture takes, it gives back to the system.

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { answer, PARALLEL } from './helpers.mjs'

describe('resident memory', PARALLEL, () => {
  // What may stay, as a share of what the capture took. Freed memory that is not given back is more than
  // half of it. V8 keeps the ids of the objects, which make snapshots comparable, unless it is told not
  // to: some 48 bytes of the 600 that each object took, and its tables double in size when they grow.
  const cases = [
    ['writeSnapshot', {}, 1 / 4],
    ['writeSnapshotAsync', {}, 1 / 4],
    ['writeSnapshot', { comparable: false }, 1 / 8],
    ['writeSnapshotAsync', { comparable: false }, 1 / 8],
  ]
  for (const [form, options, share] of cases) {
    it(`goes back to the system, soon after ${form} with ${JSON.stringify(options)}`, async () => {
      const { before, peak, after } = await answer(`
        const heapdump = require(ADDON)
        global.kept = []
        for (let i = 0; i < 150000; i++) global.kept.push({ i: i, more: { i: i, none: {} } })
        heapdump.gc()
        function rss() { return process.memoryUsage().rss }
        const before = rss()
        const options = ${JSON.stringify({ ...options, filename: 'a.heapsnapshot' })}
        Promise.resolve(heapdump.${form}(options)).then(function () {
          const peak = process.resourceUsage().maxRSS * 1024
          let polls = 0
          ;(function poll() {
            const after = rss()
            if (after - before < (peak - before) * ${share} || ++polls === 1200) {
              return say({ before: before, peak: peak, after: after })
            }
            setTimeout(poll, 50)
          })()
        })`)
      assert.ok(peak > before * 1.5, `the capture takes memory: ${before}, then ${peak}`)
      const kept = (after - before) / (peak - before)
      assert.ok(kept < share, `${before} bytes before, ${peak} at most, ${after} after`)
    })
  }
})
