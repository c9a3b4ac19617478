'use strict'

// A snapshot that is open for questions. The work is done beside the event loop; what comes back is
// what `rs-heapdump … --json` prints.

const path = require('path')

const { READING, LEAKS, RETAINERS, rowOptions, readOptions } = require('./options.js')

const SUMMARY = rowOptions(['retained', 'shallow', 'count', 'distance', 'name'])
const DIFF = rowOptions(['deltaBytes', 'delta', 'added', 'removed', 'addedBytes', 'removedBytes', 'count', 'name'])
const PATHS = 3

/** `native` is the addon; `toError` makes an exception of its failures; `warn` hears of unknown options. */
function reader(native, toError, warn) {
  const forgotten = new FinalizationRegistry((handle) => native.closeSnapshot(handle))
  const refuse = (message) => toError({ code: 'ERR_HEAPDUMP_ARGUMENT', message })

  function ask(question) {
    return new Promise((resolve, reject) => {
      question((answer) => {
        if (answer.failure) reject(toError(answer.failure))
        else resolve(answer)
      })
    })
  }

  async function report(question) {
    return JSON.parse((await ask(question)).json)
  }

  /** The options; `top` is `most` where it is not among them, and nothing where it is 0, which is all. */
  function read(options, known, most = 0) {
    const { values, failure } = readOptions(options, known, warn)
    if (failure) throw toError(failure)
    const { top = most } = values
    return { ...values, top: top || undefined }
  }

  class Snapshot {
    #handle

    constructor(handle, facts) {
      this.#handle = handle
      const { file, nodes, edges, bytes } = facts
      Object.assign(this, { file, nodes, edges, bytes })
      forgotten.register(this, handle, this)
    }

    async summary(options) {
      const selected = read(options, SUMMARY)
      return report((done) => native.summarizeSnapshot(this.#handle, selected, done))
    }

    async diff(later, options) {
      const file = later instanceof Snapshot ? later.file : later
      if (!isFile(file)) throw refuse('a comparison needs a later snapshot, or its file')
      const selected = read(options, DIFF)
      return report((done) => native.diffSnapshots(this.#handle, path.resolve(file), selected, done))
    }

    async retainers(options) {
      const { id, className, top } = read(options, RETAINERS, PATHS)
      if ((id === undefined) === (className === undefined)) throw refuse('either `id` or `className` must be given')
      return report((done) => native.retainersInSnapshot(this.#handle, id, className, top, done))
    }

    close() {
      forgotten.unregister(this)
      native.closeSnapshot(this.#handle)
    }
  }

  async function findLeaks(files, options) {
    if (!(Array.isArray(files) && files.length > 1 && files.every(isFile))) {
      throw refuse('a search for leaks needs the files of two snapshots or more, the earliest one first')
    }
    const { top, filter, salvage = false, redact = false } = read(options, LEAKS)
    const resolved = files.map((file) => path.resolve(file))
    return report((done) => native.findLeaks(resolved, top, filter, salvage, redact, done))
  }

  async function openSnapshot(file, options) {
    if (!isFile(file)) throw refuse('the file must be a string without null bytes')
    const { salvage = false, redact = false } = read(options, READING)
    const resolved = path.resolve(file)
    const { json, handle } = await ask((done) => native.openSnapshot(resolved, salvage, redact, done))
    return new Snapshot(handle, JSON.parse(json))
  }

  return { openSnapshot, findLeaks }
}

function isFile(file) {
  return typeof file === 'string' && !file.includes('\0')
}

module.exports = { reader }
