'use strict'

globalThis.auditTrail = []

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
