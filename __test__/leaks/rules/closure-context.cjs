'use strict'

class Report {
  constructor(id) {
    this.rows = Array.from({ length: 20 }, (_, row) => ({ id, row }))
  }
}

const handlers = []

function prepare(id) {
  const report = new Report(id)
  const print = () => report.rows.length
  print()
  return () => id
}

exports.leaking = {
  owner: /^handlers$/,
  load(n) {
    for (let i = 0; i < n; i++) handlers.push(prepare(i))
  },
}

let latest
exports.steady = {
  load(n) {
    for (let i = 0; i < n; i++) latest = prepare(i)
    latest()
  },
}
