'use strict'
// Uploads, of which several come over one connection. What a client breaks off is removed.
const http = require('node:http')
const { listen } = require('../client.cjs')

class Upload {
  constructor(name) {
    this.name = name
    this.parts = []
    this.done = false
  }
  discard() {
    if (!this.done) this.parts.length = 0
  }
}

const server = http.createServer((req, res) => {
  const upload = new Upload(req.url)
  req.socket.setMaxListeners(0)
  req.socket.on('close', () => upload.discard())
  req.on('data', (chunk) => upload.parts.push(chunk.length))
  req.on('end', () => {
    upload.done = true
    res.end(`${upload.parts.length}`)
  })
})
server.keepAliveTimeout = 60_000
const browser = new http.Agent({ keepAlive: true, maxSockets: 1 })

const send = (path, body) =>
  new Promise((resolve, reject) => {
    const req = http.request({ host: '127.0.0.1', port: server.address().port, path, method: 'PUT', agent: browser }, (res) => {
      res.resume()
      res.on('end', resolve)
    })
    req.on('error', reject)
    req.end(body)
  })

exports.load = async (count) => {
  await listen(server)
  for (let n = 0; n < count; n++) await send(`/uploads/${n}.txt`, `text ${n}`)
}
exports.close = () => {
  browser.destroy()
  server.close()
}
