// What a capture takes, it gives back to the system.

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { answer, PARALLEL } from './helpers.mjs'

describe('resident memory', PARALLEL, () => {
  for (const form of ['writeSnapshot', 'writeSnapshotAsync']) {
    it(`is about what it was, soon after ${form}`, async () => {
      const said = await answer(`
        const heapdump = require(ADDON)
        const kept = []
        for (let i = 0; i < 250000; i++) kept.push({ i: i, text: 'text ' + i })
        heapdump.gc()
        function rss() { return process.memoryUsage().rss }
        const before = rss()
        Promise.resolve(heapdump.${form}('a.heapsnapshot')).then(function () {
          const peak = process.resourceUsage().maxRSS * 1024
          let polls = 0
          ;(function poll() {
            const after = rss()
            if (after < before * 1.3 || ++polls === 200) {
              return say({ before: before, peak: peak, after: after, length: kept.length })
            }
            setTimeout(poll, 50)
          })()
        })`)
      const { before, peak, after } = said
      assert.ok(peak > before * 1.5, `the capture takes memory: ${before}, then ${peak}`)
      assert.ok(after < before * 1.3, `${before} bytes before, ${peak} at most, ${after} after`)
    })
  }
})
