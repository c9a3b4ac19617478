'use strict'
// What was computed of a request lives as long as the request.
const http = require('node:http')
const { request } = require('../client.cjs')

const details = new WeakMap()
const described = new WeakSet()

function detailsOf(req) {
  let found = details.get(req)
  if (!found) {
    found = { req, language: req.headers['accept-language'] ?? 'en', parts: req.url.split('/'), scratch: new Array(50).fill(0) }
    details.set(req, found)
  }
  return found
}

const server = http.createServer((req, res) => {
  const { language, parts } = detailsOf(req)
  described.add(detailsOf(req))
  res.end(`${language} ${parts.length}`)
})

exports.load = async (count) => {
  for (let n = 0; n < count; n++) await request(server, `/a/${n}/b`)
}
exports.close = () => server.close()
