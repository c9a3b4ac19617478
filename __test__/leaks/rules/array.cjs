'use strict'

class Entry {
  constructor(message) {
    this.message = message
    this.at = Date.now()
  }
}

const journal = []

exports.leaking = {
  owner: /^journal$/,
  load(n) {
    for (let i = 0; i < n; i++) journal.push(new Entry(`event ${i}`))
  },
}

exports.steady = {
  load(n) {
    for (let i = 0; i < n; i++) {
      journal.push(new Entry(`event ${i}`))
      if (journal.length > 50) journal.shift()
    }
  },
}
