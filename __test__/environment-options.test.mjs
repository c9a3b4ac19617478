// NODE_HEAPDUMP_OPTIONS: words between commas, the later wins, unknown ones are warned about.

import assert from 'node:assert/strict'
import path from 'node:path'
import { describe, it } from 'node:test'
import { filesIn, PARALLEL, readSnapshot, start, temporaryDirectory } from './helpers.mjs'

const SCRIPT = `
  process.on('warning', function (warning) { say({ warning: warning.message }) })
  require(ADDON)
  setInterval(function () {}, 1000)
  setImmediate(function () { say('ready') })`

/** Starts it with these options, sends SIGUSR2, and tells whether a snapshot came of it. */
async function signalWith(options) {
  const child = start(SCRIPT, { options })
  await child.says('ready')
  child.kill('SIGUSR2')
  const outcome = await child.until(
    () => child.end?.signal || (filesIn(child.directory).length > 0 && 'snapshot'),
    'a snapshot or the end',
  )
  child.kill('SIGKILL')
  await child.ended()
  return { child, outcome }
}

describe('NODE_HEAPDUMP_OPTIONS', PARALLEL, () => {
  const cases = [
    ['', 'snapshot'],
    ['signal', 'snapshot'],
    ['nosignal', 'SIGUSR2'],
    ['nosignal,signal', 'snapshot'],
    ['signal,nosignal', 'SIGUSR2'],
    [' nosignal , signal ', 'snapshot'],
    [',,nosignal,,', 'SIGUSR2'],
    ['nogc', 'snapshot'],
    ['nocomparable', 'snapshot'],
    ['quiet,nogc,threads=all', 'snapshot'],
  ]
  for (const [options, expected] of cases) {
    it(`${JSON.stringify(options)}: SIGUSR2 leads to ${expected}`, async () => {
      const { child, outcome } = await signalWith(options)
      assert.equal(outcome, expected)
      assert.deepEqual(child.said, ['ready'])
    })
  }

  const unknown = [
    ['bogus', 'bogus'],
    ['signal,bogus=1', 'bogus'],
    ['Signal', 'Signal'],
    ['threads=some', 'threads'],
    ['dir=', 'dir'],
  ]
  for (const [options, word] of unknown) {
    it(`${JSON.stringify(options)}: warns about ${word} and works all the same`, async () => {
      const { child, outcome } = await signalWith(options)
      assert.equal(outcome, 'snapshot')
      const warnings = child.said.filter(({ warning }) => warning)
      assert.equal(warnings.length, 1)
      assert.ok(warnings[0].warning.includes(word), warnings[0].warning)
    })
  }

  it('dir=PATH: signal snapshots go there, others do not', async () => {
    const directory = path.join(temporaryDirectory())
    const child = start(
      `require(ADDON).writeSnapshot('a.heapsnapshot')
       setInterval(function () {}, 1000)
       say('ready')`,
      { options: `dir=${directory}` },
    )
    await child.says('ready')
    child.kill('SIGUSR2')
    await child.until(() => filesIn(directory).length > 0, 'a file in the directory')
    child.kill('SIGKILL')
    assert.deepEqual(filesIn(child.directory), ['a.heapsnapshot'])
    const [name] = filesIn(directory)
    assert.equal(readSnapshot(path.join(directory, name)).provenance.trigger, 'signal')
  })
})
