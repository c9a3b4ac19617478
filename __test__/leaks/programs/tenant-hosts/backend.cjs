'use strict'
// All tenants' hosts, played by one server in a thread of its own.
const http = require('node:http')
const { parentPort } = require('node:worker_threads')

const server = http.createServer((req, res) => res.end(`hello from ${req.headers.host}`))
server.keepAliveTimeout = 120_000
server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port))
