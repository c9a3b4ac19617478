'use strict'

// A snapshot that is open for questions. The work is done beside the event loop; what comes back is
// what `rs-heapdump … --json` prints.

const path = require('path')

const SUMMARY_KEYS = ['retained', 'shallow', 'count', 'distance', 'name']
const DIFF_KEYS = ['deltaBytes', 'delta', 'added', 'removed', 'count']
const PATHS = 3

/** `native` is the addon; `toError` makes an exception of its failures. */
function reader(native, toError) {
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

  function rows({ top, sort, filter } = {}, keys) {
    if (top !== undefined && !(Number.isInteger(top) && top >= 0)) throw refuse('`top` must be a whole number')
    if (sort !== undefined && !keys.includes(sort)) throw refuse(`\`sort\` must be one of ${keys.join(', ')}`)
    if (filter !== undefined && typeof filter !== 'string') throw refuse('`filter` must be a string')
    return { top, sort, filter }
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
      const selected = rows(options, SUMMARY_KEYS)
      return report((done) => native.summarizeSnapshot(this.#handle, selected, done))
    }

    async diff(later, options) {
      const file = later instanceof Snapshot ? later.file : later
      if (typeof file !== 'string') throw refuse('a comparison needs a later snapshot, or its file')
      const selected = rows(options, DIFF_KEYS)
      return report((done) => native.diffSnapshots(this.#handle, path.resolve(file), selected, done))
    }

    async retainers({ id, className, top = PATHS } = {}) {
      const wanted = Number.isInteger(id) ? typeof className === 'undefined' : typeof className === 'string'
      if (!wanted) throw refuse('either `id` (a number) or `className` (a string) must be given')
      if (!(Number.isInteger(top) && top > 0)) throw refuse('`top` must be a whole number')
      return report((done) => native.retainersInSnapshot(this.#handle, id, className, top, done))
    }

    close() {
      forgotten.unregister(this)
      native.closeSnapshot(this.#handle)
    }
  }

  async function findLeaks(files, options = {}) {
    const isFile = (file) => typeof file === 'string' && !file.includes('\0')
    if (!(Array.isArray(files) && files.length > 1 && files.every(isFile))) {
      throw refuse('a search for leaks needs the files of two snapshots or more, the earliest one first')
    }
    const { top, filter } = rows(options, [])
    const resolved = files.map((file) => path.resolve(file))
    return report((done) =>
      native.findLeaks(resolved, top, filter, options.salvage === true, options.redact === true, done),
    )
  }

  async function openSnapshot(file, { salvage = false, redact = false } = {}) {
    if (typeof file !== 'string' || file.includes('\0')) throw refuse('the file must be a string without null bytes')
    const resolved = path.resolve(file)
    const opened = (done) => native.openSnapshot(resolved, salvage === true, redact === true, done)
    const { json, handle } = await ask(opened)
    return new Snapshot(handle, JSON.parse(json))
  }

  return { openSnapshot, findLeaks }
}

module.exports = { reader }
