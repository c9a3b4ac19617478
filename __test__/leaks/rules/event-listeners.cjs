'use strict'

const { EventEmitter } = require('node:events')

const bus = new EventEmitter()
bus.setMaxListeners(0)

function watch(order) {
  const onPrice = (price) => order.check(price)
  bus.on('price', onPrice)
  return () => bus.off('price', onPrice)
}

class Order {
  constructor(limit) {
    this.limit = limit
  }

  check(price) {
    return price > this.limit
  }
}

exports.leaking = {
  owner: /^bus\._events\.price$/,
  load(n) {
    for (let i = 0; i < n; i++) watch(new Order(i))
  },
}

exports.steady = {
  load(n) {
    for (let i = 0; i < n; i++) {
      const unwatch = watch(new Order(i))
      bus.emit('price', i)
      unwatch()
    }
  },
}
