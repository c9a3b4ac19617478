'use strict'
// The last lines of the log, for crash reports.
class RingLog {
  constructor(capacity) {
    this.lines = new Array(capacity)
    this.next = 0
  }
  write(level, message, fields) {
    this.lines[this.next % this.lines.length] = { level, message, fields, at: new Date() }
    this.next++
  }
}

const log = new RingLog(64)

exports.load = async (count) => {
  for (let n = 0; n < count; n++) {
    log.write('info', `request ${n} took ${n % 13} ms`, { n, tags: ['http', `n${n}`] })
    await null
  }
}
