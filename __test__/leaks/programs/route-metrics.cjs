'use strict'
// Counters by label, printed at /metrics.
const http = require('node:http')
const { request } = require('../client.cjs')

class Counter {
  #series = new Map()
  constructor(name) {
    this.name = name
  }
  inc(labels) {
    const key = Object.entries(labels)
      .map(([label, value]) => `${label}="${value}"`)
      .join(',')
    const sample = this.#series.get(key)
    if (sample) sample.value++
    else this.#series.set(key, { labels, value: 1 })
  }
  get size() {
    return this.#series.size
  }
}

const requestsTotal = new Counter('http_requests_total')

const server = http.createServer((req, res) => {
  requestsTotal.inc({ method: req.method, path: req.url, status: 200 })
  res.end(req.url === '/metrics' ? `${requestsTotal.size}` : 'ok')
})

let id = 0
exports.load = async (count) => {
  for (let n = 0; n < count; n++) await request(server, n % 50 === 0 ? '/metrics' : `/users/${id++}/avatar`)
}
exports.close = () => server.close()
