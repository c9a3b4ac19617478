'use strict'
// Connections are made when they are needed first, and kept: as many as may be in use at once.
class Connection {
  constructor(id) {
    this.id = id
    this.statements = new Map()
    this.buffer = Buffer.alloc(2048)
  }
  prepare(sql) {
    if (!this.statements.has(sql)) this.statements.set(sql, { sql, plan: sql.split(' ') })
    return this.statements.get(sql)
  }
}

class Pool {
  constructor(max) {
    this.max = max
    this.idle = []
    this.size = 0
    this.waiting = []
  }
  async acquire() {
    if (this.idle.length > 0) return this.idle.pop()
    if (this.size < this.max) return new Connection(this.size++)
    return new Promise((resolve) => this.waiting.push(resolve))
  }
  release(connection) {
    const next = this.waiting.shift()
    if (next) next(connection)
    else this.idle.push(connection)
  }
}

const pool = new Pool(20)
const queries = ['select a from t', 'select b from t', 'insert into t values ($1)', 'delete from t']

async function query(n) {
  const connection = await pool.acquire()
  connection.prepare(queries[n % queries.length])
  await new Promise(setImmediate)
  pool.release(connection)
}

let round = 0
exports.load = async (count) => {
  // More at once as time goes by.
  round++
  const width = round * 8
  for (let n = 0; n < count; n += width) {
    await Promise.all(Array.from({ length: width }, (_, k) => query(n + k)))
  }
}
