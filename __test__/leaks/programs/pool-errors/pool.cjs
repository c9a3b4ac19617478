'use strict'
const { EventEmitter } = require('node:events')

class Connection {
  constructor(id) {
    this.id = id
    this.busy = false
  }

  async execute(sql, parameters) {
    await new Promise(setImmediate)
    return { sql, rows: parameters.map((value) => ({ value })) }
  }
}

class Pool extends EventEmitter {
  constructor(size) {
    super()
    this.setMaxListeners(Number.POSITIVE_INFINITY)
    this.connections = Array.from({ length: size }, (_, id) => new Connection(id))
  }

  acquire() {
    const connection = this.connections.find((candidate) => !candidate.busy)
    connection.busy = true
    this.emit('acquire', connection)
    return connection
  }

  release(connection) {
    connection.busy = false
    this.emit('release', connection)
  }
}

module.exports = { Pool, pool: new Pool(4) }
