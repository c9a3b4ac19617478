'use strict'
// A TCP line server which pings its clients.
const net = require('node:net')

class Session {
  constructor(socket) {
    this.socket = socket
    this.id = Math.random().toString(36)
    this.received = []
    this.pings = 0
    this.heartbeat = setInterval(() => this.ping(), 30_000)
  }

  ping() {
    this.pings++
    if (this.socket && !this.socket.destroyed) this.socket.write('PING\n')
  }

  receive(line) {
    this.received.push(line)
    this.socket.write(`+${line}`)
  }

  end() {
    this.socket = null
  }
}

const server = net.createServer((socket) => {
  const session = new Session(socket)
  socket.setEncoding('utf8')
  socket.on('data', (line) => session.receive(line))
  socket.on('close', () => session.end())
})

function talk(port, line) {
  return new Promise((resolve, reject) => {
    const socket = net.connect(port, '127.0.0.1', () => socket.write(`${line}\n`))
    socket.once('data', () => socket.end())
    socket.on('close', resolve)
    socket.on('error', reject)
  })
}

exports.load = async (count) => {
  if (!server.listening) await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  for (let n = 0; n < count; n++) await talk(server.address().port, `hello ${n}`)
}
exports.close = () => server.close()
