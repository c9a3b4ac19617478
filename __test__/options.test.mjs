// What the two forms refuse, what they warn about, and with which code.

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { filesIn, PARALLEL, run, snapshotsIn, start } from './helpers.mjs'

/** Hands each of these arguments (source text) to both forms, and says what came of it. */
const attempts = (args) => `
  const heapdump = require(ADDON)
  function figures(err) { return { code: err.code, isError: err instanceof Error } }
  const controller = new AbortController()
  const args = [${args.map((arg) => `function () { return ${arg} }`).join(',')}]
  process.on('warning', function (warning) { say({ warning: warning.message }) })
  args.reduce(function (before, arg) {
    return before.then(function () {
      const result = { returned: null, calls: [], sync: null, async: null }
      result.returned = heapdump.writeSnapshot(arg(), function (err) {
        result.calls.push(err === null ? null : figures(err))
      })
      return heapdump.writeSnapshotAsync(arg()).then(
        function (info) { result.async = typeof info.path },
        function (err) { result.async = figures(err) }
      ).then(function () { say(result) })
    })
  }, Promise.resolve())`

const failure = (code) => ({ code, isError: true })

describe('options', PARALLEL, () => {
  it('of the wrong type are refused by both forms', async () => {
    const wrong = [
      `{ filename: 5 }`,
      `{ filename: 'a\\0b' }`,
      `'a\\0b.heapsnapshot'`,
      `{ directory: 5 }`,
      `{ directory: 'a\\0b' }`,
      `{ gc: 'yes' }`,
      `{ gc: 1 }`,
      `{ memoryGuard: 'no' }`,
      `{ memoryGuard: 0 }`,
      `{ comparable: 'no' }`,
      `{ timeoutMs: '5000' }`,
      `{ timeoutMs: -1 }`,
      `{ timeoutMs: NaN }`,
    ]
    const child = await run(attempts(wrong))
    child.said.forEach((result, index) => {
      assert.deepEqual(
        result,
        {
          returned: false,
          calls: [failure('ERR_HEAPDUMP_ARGUMENT')],
          sync: null,
          async: failure('ERR_HEAPDUMP_ARGUMENT'),
        },
        wrong[index],
      )
    })
    assert.equal(child.said.length, wrong.length)
    assert.deepEqual(filesIn(child.directory), [])
  })

  it('that are named as what every object has are unknown ones', async () => {
    const child = await run(`
      process.on('warning', function (warning) { say(warning.message) })
      say(require(ADDON).writeSnapshot({ filename: 'a.heapsnapshot', constructor: 1, toString: 'x' }))`)
    assert.deepEqual(child.said, [true, 'unknown option, ignored: constructor', 'unknown option, ignored: toString'])
  })

  it('of the asynchronous form are refused by the synchronous form', async () => {
    const asyncOnly = [
      `{ filename: 'a.heapsnapshot', signal: controller.signal }`,
      `{ filename: 'a.heapsnapshot', onProgress: function () {} }`,
    ]
    const child = await run(attempts(asyncOnly))
    assert.equal(child.said.length, asyncOnly.length)
    for (const { returned, calls, async } of child.said) {
      assert.equal(returned, false)
      assert.deepEqual(calls, [failure('ERR_HEAPDUMP_ARGUMENT')])
      assert.equal(async, 'string')
    }
  })

  it('of the asynchronous form must be of the right type there', async () => {
    const wrong = [`{ signal: 'SIGTERM' }`, `{ signal: {} }`, `{ onProgress: true }`]
    const child = await run(attempts(wrong))
    assert.equal(child.said.length, wrong.length)
    for (const { async } of child.said) assert.deepEqual(async, failure('ERR_HEAPDUMP_ARGUMENT'))
    assert.deepEqual(filesIn(child.directory), [])
  })

  it('that nobody knows are warned about by name, and ignored', async () => {
    const child = await run(attempts([`{ filename: 'a.heapsnapshot', gcc: true }`]))
    const warnings = child.said.filter(({ warning }) => warning)
    const [{ returned, calls, async }] = child.said.filter(({ warning }) => !warning)
    assert.equal(returned, true)
    assert.deepEqual(calls, [null])
    assert.equal(async, 'string')
    assert.ok(warnings.length >= 1)
    for (const { warning } of warnings) assert.match(warning, /gcc/)
    assert.deepEqual(filesIn(child.directory), ['a.heapsnapshot'])
  })

  it('that are undefined are as if they were left out', async () => {
    const child = await run(
      attempts([
        `{ filename: undefined, directory: undefined, gc: undefined, timeoutMs: undefined,
           memoryGuard: undefined, signal: undefined, onProgress: undefined }`,
      ]),
    )
    assert.equal(child.said[0].returned, true)
    assert.equal(child.said[0].async, 'string')
    assert.equal(snapshotsIn(child.directory).length, 2)
  })
})

describe('configure', PARALLEL, () => {
  it('throws for what is of the wrong type, and changes nothing then', async () => {
    const wrong = [
      `{ quiet: 1 }`,
      `{ directory: 5 }`,
      `{ directory: 'a\\0b' }`,
      `{ threads: 'some' }`,
      `{ gc: 'no' }`,
      `{ timeoutMs: -1 }`,
    ]
    const child = start(`
      const heapdump = require(ADDON)
      const wrong = [${wrong.join(', ')}]
      say(wrong.map(function (options) {
        try {
          return heapdump.configure(Object.assign({ directory: '/does/not/exist' }, options))
        } catch (err) {
          return err.code
        }
      }))
      setInterval(function () {}, 1000)
      say('ready')`)
    assert.deepEqual(await child.next(), Array(wrong.length).fill('ERR_HEAPDUMP_ARGUMENT'))
    await child.says('ready')
    child.kill('SIGUSR2')
    await child.snapshots()
    child.kill('SIGKILL')
  })

  it('keeps what it is not told about, from whichever thread', async () => {
    const child = start(`
      const threads = require('worker_threads')
      const heapdump = require(ADDON)
      if (threads.isMainThread) {
        require('fs').mkdirSync('there')
        heapdump.configure({ directory: 'there' })
        heapdump.configure({ timeoutMs: 600000 })
        heapdump.configure({})
        new threads.Worker(__filename).on('exit', function () {
          setInterval(function () {}, 1000)
          process.on('SIGTERM', function () { process.exit(0) })
          say('ready')
        })
      } else {
        heapdump.configure({ quiet: true })
      }`)
    await child.says('ready')
    child.kill('SIGUSR2')
    await child.until(() => snapshotsIn(`${child.directory}/there`).length === 1, 'a snapshot')
    child.kill('SIGTERM')
    await child.endsWell()
    assert.equal(child.stderr, '')
  })

  it('warns about what nobody knows', async () => {
    const child = await run(`
      process.on('warning', function (warning) { say(warning.message) })
      require(ADDON).configure({ quite: true })`)
    assert.equal(child.said.length, 1)
    assert.match(child.said[0], /quite/)
  })
})

describe('a refused argument', PARALLEL, () => {
  it('warns when there is no callback', async () => {
    const child = await run(`
      process.on('warning', function (warning) { say(warning.code) })
      say(require(ADDON).writeSnapshot({ gc: 'yes' }))`)
    assert.deepEqual(child.said, [false, 'ERR_HEAPDUMP_ARGUMENT'])
  })

  it('rejects in the asynchronous form, which never throws', async () => {
    const child = await run(`
      const promise = require(ADDON).writeSnapshotAsync({ gc: 'yes' })
      say(promise instanceof Promise)
      promise.catch(function (err) { say(err.code) })`)
    assert.deepEqual(child.said, [true, 'ERR_HEAPDUMP_ARGUMENT'])
  })
})
