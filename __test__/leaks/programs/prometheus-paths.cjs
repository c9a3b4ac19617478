'use strict'
const http = require('node:http')
const client = require('prom-client')
const { request } = require('../client.cjs')

const registry = new client.Registry()
const httpRequests = new client.Counter({
  name: 'http_requests_total',
  help: 'Requests by path',
  labelNames: ['method', 'path'],
  registers: [registry],
})

const server = http.createServer(async (req, res) => {
  if (req.url === '/metrics') return res.end(await registry.metrics())
  httpRequests.inc({ method: req.method, path: req.url })
  res.end('ok')
})

let user = 0
exports.load = async (count) => {
  for (let n = 0; n < count; n++) await request(server, `/users/${user++}`)
  await request(server, '/metrics')
}
exports.close = () => server.close()
