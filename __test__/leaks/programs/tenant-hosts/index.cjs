'use strict'
const http = require('node:http')
const path = require('node:path')
const { once } = require('node:events')
const { Worker } = require('node:worker_threads')

const agent = new http.Agent({ keepAlive: true })
let port
let worker

const lookup = (_host, options, callback) =>
  options.all ? callback(null, [{ address: '127.0.0.1', family: 4 }]) : callback(null, '127.0.0.1', 4)

const status = (tenant) =>
  new Promise((resolve, reject) => {
    http
      .get({ host: `${tenant}.shops.example`, port, path: '/status', agent, lookup, timeout: 100_000 }, (res) => {
        res.resume()
        res.on('end', () => resolve(res.statusCode))
      })
      .on('error', reject)
  })

let tenants = 0
exports.load = async (count) => {
  if (!worker) {
    worker = new Worker(path.join(__dirname, 'backend.cjs'))
    ;[port] = await once(worker, 'message')
  }
  // Every fourth call goes to a shop that was not there before.
  for (let n = 0; n < count; n++) await status(`shop-${n % 4 === 0 ? tenants++ : 0}`)
}
exports.close = () => agent.destroy()
