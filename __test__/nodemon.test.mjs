// nodemon restarts a program by SIGUSR2 and waits for its end: what happens then, and both ways out.

import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { describe, it } from 'node:test'
import { PARALLEL, snapshotsIn, start, until } from './helpers.mjs'

const NODEMON = createRequire(import.meta.url).resolve('nodemon/bin/nodemon.js')

const SERVER = `
  require(ADDON)
  setInterval(function () {}, 1000)
  say({ pid: process.pid })`

/** Says good-bye first, as nodemon's manual has it. */
const POLITE = `${SERVER}
  process.once('SIGUSR2', function () {
    say('bye')
    process.kill(process.pid, 'SIGUSR2')
  })`

/** Starts the script under nodemon. */
function underNodemon(script, nodemonArgs, options) {
  // nodemon's own arguments come before the script's.
  const wrapper = [process.execPath, NODEMON, '--quiet', '--watch', '.', ...nodemonArgs, '--exec']
  return start(script, { options, wrapper })
}

/** Has nodemon restart the program, as it does when a file changes. */
const restart = (child) => child.stdin.write('rs\n')

/** Ends nodemon, then whatever it started, which it may have been about to do. */
async function end(child) {
  child.kill('SIGKILL')
  await until(() => {
    for (const { pid } of child.said) if (pid) kill(pid)
    return child.end // once nobody has its stdout any more
  }, 'the end of nodemon and its programs')
}

function kill(pid) {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It has ended.
  }
}

describe('under nodemon', PARALLEL, () => {
  const ways = [
    ['another signal for snapshots', [], 'signal=SIGHUP', 'SIGHUP'],
    ['another signal for restarts', ['--signal', 'SIGHUP'], '', 'SIGUSR2'],
    ['another signal for restarts, SIGTERM', ['--signal', 'SIGTERM'], '', 'SIGUSR2'],
  ]
  for (const [what, args, options, signal] of ways) {
    it(`with ${what}: it restarts, and a signal makes a snapshot`, async () => {
      const child = underNodemon(SERVER, args, options)
      const { pid: first } = await child.says((value) => value.pid)
      restart(child)
      const { pid: second } = await child.says((value) => value.pid)
      assert.notEqual(second, first)
      assert.deepEqual(snapshotsIn(child.directory), [])
      process.kill(second, signal)
      await child.snapshots(1)
      await end(child)
    })
  }

  it('with another signal for snapshots: a program that says good-bye on SIGUSR2 can', async () => {
    const child = underNodemon(POLITE, [], 'signal=SIGHUP')
    await child.says((value) => value.pid)
    restart(child)
    await child.says('bye')
    await child.says((value) => value.pid)
    await end(child)
  })

  it('with neither: the restart makes a snapshot, and the old program goes on', async () => {
    const child = underNodemon(SERVER, [], '')
    const { pid } = await child.says((value) => value.pid)
    restart(child)
    await child.snapshots(1)
    process.kill(pid, 0) // it is there
    await end(child)
  })
})
