'use strict'

const http = require('node:http')

const agent = new http.Agent({ keepAlive: true, maxSockets: 2 })
let server

class Call {
  constructor(path) {
    this.path = path
    this.error = null
  }
}

async function ask(path, listen) {
  if (!server) {
    server = http.createServer((_, response) => response.end('ok'))
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  }
  const call = new Call(path)
  await new Promise((resolve, reject) => {
    const request = http.get({ host: '127.0.0.1', port: server.address().port, path, agent }, (response) => {
      response.resume().on('end', resolve)
    })
    request.on('error', reject)
    request.on('socket', (socket) => listen(socket, call))
  })
}

function close() {
  agent.destroy()
  server.close()
}

exports.leaking = {
  owner: /_events\.error/,
  async load(n) {
    for (let i = 0; i < n; i++) {
      await ask(`/${i}`, (socket, call) => {
        socket.setMaxListeners(0)
        socket.on('error', (error) => {
          call.error = error
        })
      })
    }
  },
  close,
}

exports.steady = {
  async load(n) {
    for (let i = 0; i < n; i++) await ask(`/${i}`, () => {})
  },
  close,
}
