'use strict'

const tokens = new Map()
let next = 0

function body() {
  return `${'x'.repeat(4000)} token=${'abcdefghijklmnopqrstuvwxyz'}${next++}`
}

exports.leaking = {
  owner: /^tokens$/,
  load(n) {
    for (let i = 0; i < n; i++) {
      const text = Buffer.from(body()).toString()
      tokens.set(next, text.slice(text.indexOf('token=') + 6))
    }
  },
}

exports.steady = {
  load(n) {
    for (let i = 0; i < n; i++) {
      const text = Buffer.from(body()).toString()
      tokens.set(i % 10, text.slice(text.indexOf('token=') + 6))
    }
  },
}
