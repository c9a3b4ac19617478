'use strict'
// The other end of the programs' servers: one request on a connection of its own, which is gone afterwards.
//
//   const { status, body } = await request(server, '/users/1', { method: 'POST', body: { name: 'n' } })

const http = require('node:http')

/** The server, listening on a port of its own on 127.0.0.1. */
exports.listen = (server) =>
  new Promise((resolve) => (server.listening ? resolve() : server.listen(0, '127.0.0.1', () => resolve())))

exports.request = async (server, path, { method = 'GET', headers, body } = {}) => {
  await exports.listen(server)
  return new Promise((resolve, reject) => {
    const outgoing = http.request(
      {
        host: '127.0.0.1',
        port: server.address().port,
        path,
        method,
        agent: false,
        headers: { ...headers, ...(body ? { 'content-type': 'application/json' } : {}) },
      },
      (incoming) => {
        let text = ''
        incoming.setEncoding('utf8')
        incoming.on('data', (chunk) => {
          text += chunk
        })
        incoming.on('end', () => resolve({ status: incoming.statusCode, headers: incoming.headers, body: text }))
      },
    )
    outgoing.on('error', reject)
    outgoing.end(body ? JSON.stringify(body) : undefined)
  })
}
