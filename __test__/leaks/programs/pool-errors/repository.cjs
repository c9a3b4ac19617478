'use strict'
const { pool } = require('./pool.cjs')

class Query {
  constructor(sql, parameters) {
    this.sql = sql
    this.parameters = parameters
    this.startedAt = Date.now()
    this.trace = { sql, span: `span-${Math.random()}` }
  }

  fail(error) {
    this.error = error
  }

  async run() {
    pool.on('error', (error) => this.fail(error))
    const connection = pool.acquire()
    try {
      return await connection.execute(this.sql, this.parameters)
    } finally {
      pool.release(connection)
    }
  }
}

exports.findUser = (id) => new Query('select * from users where id = $1', [id]).run()
exports.findOrders = (user) => new Query('select * from orders where user_id = $1', [user]).run()
