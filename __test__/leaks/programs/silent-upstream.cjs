'use strict'
// Calls to a partner whose server accepts connections and does not answer.
const http = require('node:http')
const { listen } = require('../client.cjs')

const partner = http.createServer(() => {})
const agent = new http.Agent({ keepAlive: true, maxSockets: 2 })

function notify(order) {
  const body = JSON.stringify(order)
  const req = http.request(
    { host: '127.0.0.1', port: partner.address().port, path: `/orders/${order.id}`, method: 'PUT', agent },
    (res) => res.resume(),
  )
  req.on('error', () => {})
  req.end(body)
}

let id = 0
exports.load = async (count) => {
  await listen(partner)
  for (let n = 0; n < count; n++) {
    notify({ id: id++, lines: [{ sku: 'a', quantity: 1 }] })
    await null
  }
}
