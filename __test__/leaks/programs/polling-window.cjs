'use strict'
// Requests in flight: now many, now few.
const waiting = new Set()
const done = []

class Call {
  constructor(n) {
    this.n = n
    this.sent = new Date()
    this.body = { text: `call ${n}`, tags: ['a', 'b'] }
    waiting.add(this)
  }
  answer(status) {
    this.status = status
    waiting.delete(this)
    done.push(status)
    if (done.length > 10) done.shift()
  }
}

let n = 0
let round = 0
exports.load = async (count) => {
  const inFlight = [40, 70, 55][round++ % 3]
  for (let end = n + count; n < end; n++) {
    new Call(n)
    while (waiting.size > inFlight) waiting.values().next().value.answer(200)
    await null
  }
}
