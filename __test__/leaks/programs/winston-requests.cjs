'use strict'
// A logger for each request, so that lines carry its number.
const http = require('node:http')
const { Writable } = require('node:stream')
const winston = require('winston')
const { request } = require('../client.cjs')

const sink = new Writable({ write: (_chunk, _encoding, done) => done() })
const transport = new winston.transports.Stream({ stream: sink })
transport.setMaxListeners(0)

const server = http.createServer((req, res) => {
  const logger = winston.createLogger({ level: 'info', defaultMeta: { request: req.url }, transports: [transport] })
  logger.info('started')
  res.end('ok')
})

exports.load = async (count) => {
  for (let n = 0; n < count; n++) await request(server, `/r/${n}`)
}
exports.close = () => server.close()
