'use strict'
const { EventEmitter } = require('node:events')

const replies = new EventEmitter()

function ask(order) {
  return new Promise((resolve) => {
    replies.once(`order:${order.id}`, (reply) => resolve({ order, reply }))
  })
}

let id = 0
exports.load = async (count) => {
  for (let n = 0; n < count; n++) {
    const order = { id: id++, lines: [{ sku: `sku-${n}`, count: 1 }] }
    ask(order)
    if (n % 5 === 0) replies.emit(`order:${order.id}`, 'ok')
  }
}
