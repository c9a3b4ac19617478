'use strict'
// A client that keeps its connections, and cleans up after each call.
const http = require('node:http')
const { listen } = require('../client.cjs')

const server = http.createServer((req, res) => {
  res.setHeader('content-type', 'application/json')
  res.end(JSON.stringify({ url: req.url, time: Date.now() }))
})
server.keepAliveTimeout = 60_000
const agent = new http.Agent({ keepAlive: true, maxSockets: 4 })

const get = (path) =>
  new Promise((resolve, reject) => {
    const req = http.get({ host: '127.0.0.1', port: server.address().port, path, agent }, (res) => {
      let text = ''
      res.setEncoding('utf8')
      res.on('data', (chunk) => {
        text += chunk
      })
      res.on('end', () => {
        req.socket?.off('timeout', onTimeout)
        resolve(JSON.parse(text))
      })
    })
    const onTimeout = () => req.destroy(new Error('timeout'))
    req.on('socket', (socket) => socket.on('timeout', onTimeout))
    req.on('close', () => req.socket?.off('timeout', onTimeout))
    req.on('error', reject)
  })

exports.load = async (count) => {
  await listen(server)
  for (let n = 0; n < count; n += 5) await Promise.all([0, 1, 2, 3, 4].map((k) => get(`/items/${n + k}`)))
}
exports.close = () => agent.destroy()
