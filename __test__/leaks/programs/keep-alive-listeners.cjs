'use strict'
// A client of an inventory service: one connection, kept alive.
const http = require('node:http')
const { listen } = require('../client.cjs')

const upstream = http.createServer((req, res) => res.end(JSON.stringify({ path: req.url, stock: 3 })))
upstream.keepAliveTimeout = 60_000
const agent = new http.Agent({ keepAlive: true, maxSockets: 1 })

function fetchStock(sku) {
  const started = { sku, at: process.hrtime.bigint(), attempts: [] }
  return new Promise((resolve, reject) => {
    const req = http.get({ host: '127.0.0.1', port: upstream.address().port, path: `/stock/${sku}`, agent }, (res) => {
      const chunks = []
      res.on('data', (chunk) => chunks.push(chunk))
      res.on('end', () => resolve(JSON.parse(Buffer.concat(chunks))))
    })
    req.on('error', reject)
    req.on('socket', (socket) => {
      socket.setMaxListeners(0)
      socket.on('timeout', () => {
        started.attempts.push(Date.now())
        req.destroy(new Error(`no answer for ${started.sku}`))
      })
    })
  })
}

exports.load = async (count) => {
  await listen(upstream)
  for (let n = 0; n < count; n++) await fetchStock(`sku-${n}`)
}
exports.close = () => agent.destroy()
