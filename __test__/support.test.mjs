// support(): what works here, and why not.

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { answer, PARALLEL, packageVersion } from './helpers.mjs'

const CAPABILITIES = [
  'inProcess',
  'live',
  'gc',
  'signal',
  'blockedLoop',
  'capture',
  'memoryGuard',
  'memoryReturn',
  'lineEnds',
]

describe('support', PARALLEL, () => {
  it('names the package, the Node, the platform and the engine', async () => {
    const { support, process: expected } = await answer(`
      say({
        support: require(ADDON).support(),
        process: {
          node: process.version,
          v8: process.versions.v8,
          platform: process.platform,
          arch: process.arch
        }
      })`)
    const { version, node, v8, platform, arch, mode } = support
    assert.equal(version, packageVersion())
    assert.deepEqual({ node: node.replace(/^v?/, 'v'), v8, platform, arch }, expected)
    assert.equal(mode, 'in-process')
    const keys = ['arch', 'mode', 'node', 'platform', 'v8', 'version', ...CAPABILITIES]
    assert.deepEqual(Object.keys(support).sort(), keys.sort())
  })

  it('says of each capability whether and how', async () => {
    const support = await answer(`say(require(ADDON).support())`)
    for (const name of CAPABILITIES) {
      const { hint = '' } = support[name]
      assert.deepEqual(Object.keys(support[name]).sort(), ['available', 'detail', ...(hint ? ['hint'] : [])], name)
      assert.equal(typeof support[name].available, 'boolean', name)
      assert.match(support[name].detail, /\w+/, name)
    }
    for (const name of ['inProcess', 'gc', 'signal', 'blockedLoop', 'memoryGuard']) {
      assert.equal(support[name].available, true, `${name}: ${support[name].detail}`)
    }
  })

  it('says that signals are off when they are', async () => {
    const { signal, blockedLoop } = await answer(`say(require(ADDON).support())`, {
      options: 'nosignal',
    })
    assert.equal(signal.available, false)
    assert.match(signal.detail, /nosignal/)
    assert.match(signal.hint, /rs-heapdump capture PID/)
    assert.equal(blockedLoop.available, false)
  })

  it('says the same in a worker', async () => {
    const [main, worker] = await answer(`
        const threads = require('worker_threads')
        const support = require(ADDON).support()
        if (threads.isMainThread) {
          new threads.Worker(__filename).on('message', function (theirs) { say([support, theirs]) })
        } else {
          threads.parentPort.postMessage(support)
        }`)
    assert.deepEqual(worker, main)
  })
})
