'use strict'

globalThis.auditTrail = []

// On Node 16 nothing in a snapshot tells which function mentions a global, and what has no line is not reported.
exports.since = 18

exports.leaking = {
  owner: /^globalThis\.auditTrail$/,
  load(n) {
    for (let i = 0; i < n; i++) globalThis.auditTrail.push({ user: `user ${i}`, at: i })
  },
}

exports.steady = {
  load(n) {
    for (let i = 0; i < n; i++) globalThis.auditTrail[i % 20] = { user: `user ${i}`, at: i }
  },
}
