// What a capture takes, it gives back to the system.

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { answer, PARALLEL } from './helpers.mjs'

describe('resident memory', PARALLEL, () => {
  for (const form of ['writeSnapshot', 'writeSnapshotAsync']) {
    it(`goes back to the system, soon after ${form}`, async () => {
      const said = await answer(`
        const heapdump = require(ADDON)
        global.kept = []
        for (let i = 0; i < 200000; i++) global.kept.push({ i: i, text: 'text ' + i })
        heapdump.gc()
        function rss() { return process.memoryUsage().rss }
        const before = rss()
        Promise.resolve(heapdump.${form}('a.heapsnapshot')).then(function () {
          const peak = process.resourceUsage().maxRSS * 1024
          let polls = 0
          ;(function poll() {
            const after = rss()
            if (after - before < (peak - before) / 8 || ++polls === 60) {
              return say({ before: before, peak: peak, after: after })
            }
            setTimeout(poll, 50)
          })()
        })`)
      const { before, peak, after } = said
      assert.ok(peak > before * 1.5, `the capture takes memory: ${before}, then ${peak}`)
      // V8 keeps the ids of the objects: they make snapshots comparable.
      const kept = (after - before) / (peak - before)
      assert.ok(kept < 1 / 8, `${before} bytes before, ${peak} at most, ${after} after`)
    })
  }
})
