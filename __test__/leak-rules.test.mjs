// Each rule has a program of its own that leaks, which the rule must name, and a sibling that does not, of
// which nothing may be said.

import assert from 'node:assert/strict'
import fs from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { describe, it } from 'node:test'
import { answer, PARALLEL, ROOT, testedNodeMajor } from './helpers.mjs'

const RULES = path.join(ROOT, '__test__/leaks/rules')
const require = createRequire(import.meta.url)
const names = fs.readdirSync(RULES).map((file) => path.basename(file, '.cjs'))

const hunt = (rule, side) => `
  const heapdump = require(ADDON)
  const program = require(${JSON.stringify(path.join(RULES, `${rule}.cjs`))})
  const load = program[${JSON.stringify(side)}].load
  process.removeAllListeners('warning')
  async function main() {
    const files = []
    for (const steps of [1, 2, 3]) {
      await load(steps * (program.step || 100))
      // Finalizers and sockets get their turn.
      await new Promise(function (resolve) { setTimeout(resolve, 50) })
      files.push(steps + '.heapsnapshot')
      if (!heapdump.writeSnapshot(files[files.length - 1])) throw new Error('no snapshot')
    }
    say(await heapdump.findLeaks(files))
    process.exit(0)
  }
  main()`

describe('the rule', PARALLEL, () => {
  for (const rule of names) {
    const { leaking, since = 16 } = require(path.join(RULES, `${rule}.cjs`))
    const skip = testedNodeMajor() < since && `needs Node ${since}`

    it(`${rule} recognises its leak`, { skip }, async () => {
      const { suspects } = await answer(hunt(rule, 'leaking'))
      const [suspect] = suspects
      assert.ok(suspect, 'a suspect')
      assert.equal(suspect.cause, rule)
      assert.match(suspect.owner, leaking.owner)
      const files = [suspect.source, suspect.holder].map((line) => line?.file)
      assert.ok(
        files.some((file) => file?.endsWith(`${rule}.cjs`)),
        `${files}`,
      )
    })

    it(`${rule} says nothing where nothing leaks`, { skip }, async () => {
      const { suspects } = await answer(hunt(rule, 'steady'))
      assert.deepEqual(suspects, [])
    })
  }
})
