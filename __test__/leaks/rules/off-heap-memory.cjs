'use strict'

const uploads = []

exports.leaking = {
  owner: /^uploads$/,
  load(n) {
    for (let i = 0; i < n; i++) uploads.push(Buffer.alloc(16 << 10, i))
  },
}

exports.steady = {
  load(n) {
    for (let i = 0; i < n; i++) uploads[i % 8] = Buffer.alloc(16 << 10, i)
  },
}
