'use strict'

const seen = new Set()
let next = 0

exports.leaking = {
  owner: /^seen$/,
  load(n) {
    for (let i = 0; i < n; i++) seen.add(`message-${next++}`)
  },
}

exports.steady = {
  load(n) {
    for (let i = 0; i < n; i++) {
      const id = `message-${next++}`
      seen.add(id)
      seen.delete(id)
    }
  },
}
