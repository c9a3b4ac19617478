'use strict'
const { EventEmitter } = require('node:events')

class Connection extends EventEmitter {
  constructor(id) {
    super()
    this.id = id
    this.outgoing = []
  }
  send(message) {
    this.outgoing.push(message)
  }
}

class ChatServer {
  #clients = new Map()

  accept(connection) {
    this.#clients.set(connection.id, { connection, joined: Date.now(), rooms: ['lobby'] })
    connection.on('close', () => this.#clients.delete(connection.id))
    connection.on('error', (error) => connection.send(`bye: ${error.message}`))
  }

  get size() {
    return this.#clients.size
  }
}

const server = new ChatServer()
let next = 0

exports.load = async (count) => {
  for (let n = 0; n < count; n++) {
    const connection = new Connection(`client-${next++}`)
    server.accept(connection)
    if (n % 4 === 0) connection.emit('close')
    else connection.emit('error', new Error('reset'))
  }
  return server.size
}
