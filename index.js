'use strict'

// The public shape of rs-heapdump: overloads, callbacks, events and warnings; options.js checks what is asked
// for. The addon does the rest. Works on Node 16, so no newer syntax.

const { EventEmitter } = require('events')
const path = require('path')

const native = require('./load.js')
const { SYNC, ASYNC, CONFIGURATION, watchOptions, readOptions } = require('./options.js')
const inProcess = native.capturesInProcess()
const events = new EventEmitter()
const WATCH = watchOptions(native.isGrowth)

// Loading worker_threads takes 3 MB: only where there may be workers.
const threadId = native.onFirstThread() ? 0 : require('worker_threads').threadId
native.register(
  { id: threadId, nodeVersion: process.version, program: process.argv[1] || '', uptimeS: process.uptime() },
  onNotice,
)
for (const warning of native.applyEnvironment(process.env.NODE_HEAPDUMP_OPTIONS || '')) {
  warn(warning, 'ERR_HEAPDUMP_ARGUMENT')
}
native.primeAsConfigured()
drive(native.watchAsConfigured())

function writeSnapshot(target, callback) {
  if (typeof target === 'function') {
    callback = target
    target = undefined
  }
  const { request, failure } = readRequest(target, SYNC)
  const outcome = failure ? { failure } : capture(request)
  announce(outcome)
  if (outcome.info) {
    if (callback) callback(null, nameAsGiven(request, outcome.info))
    return true
  }
  const error = toError(outcome.failure)
  if (callback) callback(asHeapdumpSays(error))
  else warn(error.message, error.code, error.hint)
  return false
}

async function writeSnapshotAsync(target) {
  const { request, options, failure } = readRequest(target, ASYNC)
  request.directory = absolute(request.directory) // as it is now, not when the capture starts
  const { signal, onProgress } = options
  const progress = (phase, { bytes, nodes }) => onProgress?.({ phase, bytes, nodes })
  if (failure) return settle({ failure })
  if (signal?.aborted) return settle(aborted(signal))
  progress('capture', { bytes: 0, nodes: 0 })
  // In a later turn of the loop, so that the caller can answer whoever asked before the thread stands still.
  const capturing = request.live ? captureLive : captureBesideLoop
  const outcome = await (inProcess ? capturing(request, signal, progress) : captureLater(request, signal))
  const info = settle(signal?.aborted && outcome.failure?.code === 'ERR_HEAPDUMP_ABORTED' ? aborted(signal) : outcome)
  progress('done', info) // whose exception takes no event away: the file is there
  return info
}

/** Opens and writes beside the event loop; only V8 itself stops it. */
function captureBesideLoop(request, signal, progress) {
  return settled(signal, progress, (writing, done) => {
    const pending = native.openAsync(request, () => writing(pending.capture()), done)
    return pending
  })
}

/** A child captures, and the event loop goes on. */
function captureLive(request, signal, progress) {
  return settled(signal, progress, (writing, done) => native.captureLive(request, writing, done))
}

/** The outcome of what `begin` begins; `signal` ends it, and so does an exception of whoever is told of progress. */
function settled(signal, progress, begin) {
  return new Promise((resolve, reject) => {
    const abort = () => pending.abort()
    const writing = (captured) => {
      try {
        if (captured) progress('write', captured)
      } catch (error) {
        abort()
        reject(error)
      }
    }
    const done = (outcome) => {
      signal?.removeEventListener('abort', abort)
      resolve(outcome)
    }
    const pending = begin(writing, done)
    signal?.addEventListener('abort', abort)
    if (signal?.aborted) abort() // by onProgress
  })
}

async function captureLater(request, signal) {
  await new Promise(setImmediate)
  return signal?.aborted ? aborted(signal) : capture(request)
}

function settle(outcome) {
  announce(outcome)
  if (outcome.info) return outcome.info
  throw toError(outcome.failure)
}

function gc() {
  if (native.collectGarbage()) return
  // Without V8's own function: the flag adds `gc` to contexts made from now on, and to this one only.
  const v8 = require('v8')
  v8.setFlagsFromString('--expose-gc')
  const collect = require('vm').runInNewContext('gc')
  v8.setFlagsFromString('--no-expose-gc')
  collect()
}

function configure(options) {
  const { values, failure } = readOptions(options, CONFIGURATION, warn)
  if (failure) throw toError(failure)
  native.changeConfig(changesOf(values))
  native.primeAsConfigured()
}

function changesOf({ threads, live, comparable, compress, keep, ...changes }) {
  return {
    ...changes,
    ...comparableAs(comparable),
    compress: compressAs(compress),
    keep: keep === false ? 0 : keep,
    live: live === undefined ? undefined : liveAs(live) || 'off',
    allThreads: threads === undefined ? undefined : threads === 'all',
  }
}

function watch(options) {
  const { values, failure } = readOptions(options, WATCH, warn)
  if (failure) throw toError(failure)
  const {
    heap = ['50%', '150%'],
    rss,
    external,
    baseline = true,
    nearLimit = true,
    settleMs,
    minIntervalMs,
    ...rest
  } = values
  const growths = (given) => (given || []).map(String)
  const watching = native.watch({
    heap: growths(heap),
    rss: growths(rss),
    external: growths(external),
    baseline,
    nearLimit,
    settleMs,
    minIntervalMs,
    config: changesOf({ ...rest, directory: rest.directory && absolute(rest.directory) }),
  })
  if (watching.failure) throw toError(watching.failure)
  drive(watching.portable())
  return new Watcher(watching)
}

/** Without V8's own functions: measures and captures for a watcher, on a timer that keeps nothing alive. */
function drive(portable) {
  if (!portable) return
  const timer = setInterval(() => {
    const next = portable.look(heapFigures())
    if (next === 'stop') clearInterval(timer)
    if (next !== 'measure') return
    const before = process.hrtime.bigint()
    gc()
    const capture = portable.measured(heapFigures(), Number(process.hrtime.bigint() - before) / 1e6)
    if (capture) carryOut(capture)
  }, portable.intervalMs)
  timer.unref()
}

/** What `watch` gives: how far it is, and the way to stop it. */
class Watcher {
  #watching
  constructor(watching) {
    this.#watching = watching
  }
  get state() {
    return this.#watching.status().state
  }
  get baseline() {
    const { baseline, baselinePath } = this.#watching.status()
    return baseline ? { ...baseline, path: baselinePath } : undefined
  }
  get steps() {
    return this.#watching.status().steps
  }
  get nearLimit() {
    const { nearLimit } = this.#watching.status()
    return nearLimit === undefined || nearLimit === null ? 'off' : nearLimit ? 'armed' : 'spent'
  }
  stop() {
    this.#watching.stop()
  }
}

function liveAs(live) {
  return live === true ? 'prefer' : live || undefined
}

/** Only files that nobody named are ever removed. */
function keepsDefaultNames() {
  return {
    code: 'ERR_HEAPDUMP_ARGUMENT',
    message: 'the option `keep` counts files with default names, and does not go with `filename`',
  }
}

function compressAs(compress) {
  return compress === false ? 'none' : compress
}

function comparableAs(comparable) {
  return typeof comparable === 'string' ? { comparable: true, prime: comparable } : { comparable }
}

let reading

/** What reads snapshots is loaded when first asked for: a process that captures needs none of it. */
function reader() {
  reading = reading || require('./snapshot.js').reader(native, toError, warn)
  return reading
}

function openSnapshot(file, options) {
  return reader().openSnapshot(file, options)
}

function findLeaks(files, options) {
  return reader().findLeaks(files, options)
}

function on(event, listener) {
  events.on(event, listener)
}

function once(event, listener) {
  events.once(event, listener)
}

function off(event, listener) {
  events.off(event, listener)
}

function support() {
  const { version, mode, capabilities } = native.support()
  const found = capabilities.map(({ name, ...capability }) => [name, capability])
  return {
    version,
    node: process.version,
    v8: process.versions.v8,
    platform: process.platform,
    arch: process.arch,
    mode,
    ...Object.fromEntries(found),
  }
}

/** What a request that was made outside JavaScript comes with: a wake-up, or what happened. */
function onNotice(event) {
  if (!event) {
    const portable = native.runWanted()
    if (portable) carryOut(portable)
  } else if (event.outcome) {
    dispatch(event.outcome)
  } else {
    const { failure, ...skipped } = event.skipped
    if (failure) skipped.error = toError(failure)
    events.emit('skipped', { ...skipped, pid: process.pid })
  }
}

function capture(request) {
  return inProcess ? native.captureSync(request) : carryOut(native.beginPortable(request))
}

/** The portable engine: node:v8 writes a partial file, the addon makes a proper one of it. */
function carryOut(portable) {
  const v8 = require('v8')
  let failure
  try {
    if (portable.gc) gc()
    if (portable.path) v8.writeHeapSnapshot(portable.path)
  } catch (error) {
    const { message, errno, syscall } = error
    failure = {
      message: String(message),
      errno: Number.isInteger(errno) ? errno : undefined,
      syscall: typeof syscall === 'string' ? syscall : undefined,
    }
  }
  return portable.finish(heapFigures(), failure)
}

function heapFigures() {
  const heap = require('v8').getHeapStatistics()
  return { totalBytes: heap.total_heap_size, usedBytes: heap.used_heap_size, externalBytes: heap.external_memory }
}

/** Events come after the call that caused them, so that a listener's exception is not the caller's. */
function announce(outcome) {
  const exposed = outcome.info && native.exposure(outcome.info.path)
  if (exposed) warn(exposed, 'HEAPDUMP_EXPOSED_DIRECTORY')
  process.nextTick(dispatch, outcome)
}

function dispatch({ info, failure }) {
  if (info?.fallback) {
    const { fallback: reason, mode, trigger, pid, threadId } = info
    events.emit('fallback', { reason, mode, trigger, pid, threadId })
  }
  if (info) events.emit('snapshot', info)
  else if (events.listenerCount('error') > 0) events.emit('error', toError(failure))
}

/** Reads the first argument of either form: a name, options, or (as in heapdump) anything else. */
function readRequest(target, known) {
  const given = typeof target === 'string' ? { filename: target } : target
  const { values, failure } = readOptions(given, known, warn)
  const {
    gc = true,
    memoryGuard = true,
    comparable = true,
    compress,
    redact = false,
    keep,
    live,
    filename,
    directory,
    timeoutMs,
  } = values
  return {
    failure: failure || (keep && filename !== undefined ? keepsDefaultNames() : undefined),
    options: values,
    request: {
      filename,
      directory,
      gc,
      memoryGuard,
      ...comparableAs(comparable),
      compress: compressAs(compress),
      redact,
      keep: keep || undefined,
      live: liveAs(live),
      timeoutMs,
      threadId,
    },
  }
}

/** heapdump gives the name back as it got it, and a default name without its directory. */
function nameAsGiven({ filename, directory }, info) {
  const name = filename === undefined ? path.basename(info.path) : filename
  return directory === undefined || path.isAbsolute(name) ? name : path.join(directory, name)
}

function absolute(directory = '') {
  try {
    return path.resolve(directory)
  } catch {
    return directory // the working directory is gone, which opening the file will tell better
  }
}

function toError({ code, message, cause, ...details }) {
  const error = new Error(message)
  error.code = code
  if (cause !== undefined) error.cause = cause
  for (const [name, value] of Object.entries(details)) if (value !== undefined && value !== null) error[name] = value
  return error
}

/** heapdump's message to the letter, everything else beside it. */
function asHeapdumpSays(error) {
  if (!error.errno) return error
  return Object.assign(new Error(`heapdump write error ${error.errno}`), error, { cause: error })
}

function aborted(signal) {
  return { failure: { code: 'ERR_HEAPDUMP_ABORTED', message: 'the capture was aborted', cause: signal.reason } }
}

function warn(message, code, detail) {
  process.emitWarning(message, { type: 'HeapdumpWarning', code, detail })
}

// Written out so that `import { writeSnapshot } from 'rs-heapdump'` finds the names.
module.exports = {
  writeSnapshot,
  writeSnapshotAsync,
  openSnapshot,
  findLeaks,
  gc,
  configure,
  watch,
  on,
  once,
  off,
  support,
}
