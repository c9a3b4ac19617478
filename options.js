'use strict'

// What each call understands: the names of its options, and what their values must be. Works on Node 16.
//
// A value of the wrong type is an error, since a wish that is ignored is not fulfilled; an unknown name is only warned
// about, as an older version may meet a newer caller.

const isString = { is: (value) => typeof value === 'string', a: 'a string' }
const isBoolean = { is: (value) => typeof value === 'boolean', a: 'a boolean' }
const isTime = { is: (value) => typeof value === 'number' && value >= 0, a: 'a number of milliseconds' }
const isCount = { is: (value) => isWhole(value), a: 'a whole number' }
const isKeep = {
  is: (value) => value === false || (isWhole(value) && value > 0),
  a: 'false or a positive whole number',
}
const isFunction = { is: (value) => typeof value === 'function', a: 'a function' }
const isAbortSignal = { is: (value) => value instanceof AbortSignal, a: 'an AbortSignal' }
const isLive = oneOf([true, false, 'prefer', 'require'], "a boolean, 'prefer' or 'require'")
const isComparable = oneOf([true, false, 'once', 'each'], "a boolean, 'once' or 'each'")
const isCompression = oneOf([false, 'gzip', 'zstd'], "false, 'gzip' or 'zstd'")
const isCover = oneOf(['main', 'all'], "'main' or 'all'")

function oneOf(values, a = `one of ${values.join(', ')}`) {
  return { is: (value) => values.includes(value), a }
}

/** Of options by name; it inherits none, such as `constructor`. */
function table(...parts) {
  return Object.assign(Object.create(null), ...parts)
}

function isWhole(value) {
  return Number.isInteger(value) && value >= 0 && value < 2 ** 32
}

const CAPTURE = table({
  directory: isString,
  compress: isCompression,
  redact: isBoolean,
  keep: isKeep,
  gc: isBoolean,
  memoryGuard: isBoolean,
  comparable: isComparable,
  timeoutMs: isTime,
})
const SYNC = table(CAPTURE, { filename: isString })
const ASYNC_ONLY = table({ live: isLive, signal: isAbortSignal, onProgress: isFunction })
const ASYNC = table(SYNC, ASYNC_ONLY)
const BY_TRIGGER = table(CAPTURE, { live: isLive, quiet: isBoolean })
const CONFIGURATION = table(BY_TRIGGER, { threads: isCover })
const READING = table({ salvage: isBoolean, redact: isBoolean })
const LEAKS = table(READING, { top: isCount, filter: isString })
const RETAINERS = table({ id: isCount, className: isString, top: isCount })

/** Of `watch`; `isGrowth` tells whether a text says how much something may grow. */
function watchOptions(isGrowth) {
  const isGrowths = {
    is: (value) => value === false || (Array.isArray(value) && value.every((growth) => isGrowth(`${growth}`))),
    a: "false or a list of growths such as '50%', '200MB' or a number of bytes",
  }
  return table(BY_TRIGGER, {
    heap: isGrowths,
    rss: isGrowths,
    external: isGrowths,
    baseline: isBoolean,
    nearLimit: isBoolean,
    settleMs: isTime,
    minIntervalMs: isTime,
  })
}

/** Of a table that is ordered by one of these keys. */
function rowOptions(keys) {
  return table({ top: isCount, sort: oneOf(keys), filter: isString })
}

/** The values of options that are `known`, or why they cannot be obeyed; `warn` hears of others. */
function readOptions(options, known, warn) {
  const values = {}
  if (typeof options !== 'object' || options === null) return { values }
  const refuse = (message) => ({ values, failure: { code: 'ERR_HEAPDUMP_ARGUMENT', message } })
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined) continue
    const expected = known[name]
    if (!expected && known === SYNC && name in ASYNC_ONLY) {
      return refuse(`the option \`${name}\` belongs to writeSnapshotAsync`)
    }
    if (!expected) {
      warn(`unknown option, ignored: ${name}`, 'ERR_HEAPDUMP_ARGUMENT')
    } else if (!expected.is(value)) {
      return refuse(`the option \`${name}\` must be ${expected.a}`)
    } else if (typeof value === 'string' && value.includes('\0')) {
      return refuse(`the option \`${name}\` must not hold null bytes`)
    } else {
      values[name] = value
    }
  }
  return { values }
}

module.exports = { SYNC, ASYNC, CONFIGURATION, READING, LEAKS, RETAINERS, watchOptions, rowOptions, readOptions }
