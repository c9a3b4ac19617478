'use strict'
// A quote server: GET /watch/:symbol answers with the last price and watches for the next one.
const http = require('node:http')
const { EventEmitter } = require('node:events')
const { request } = require('../client.cjs')

const bus = new EventEmitter()
bus.setMaxListeners(0)

class PriceAlert {
  constructor(symbol, threshold) {
    this.symbol = symbol
    this.threshold = threshold
    this.history = new Array(64).fill(threshold)
  }

  update(price) {
    this.history.push(price)
    this.history.shift()
    return price > this.threshold
  }
}

const server = http.createServer((req, res) => {
  const symbol = req.url.split('/').pop()
  const alert = new PriceAlert(symbol, symbol.length * 10)
  bus.on('price', (price) => {
    if (price.symbol === symbol) alert.update(price.value)
  })
  res.setHeader('content-type', 'application/json')
  res.end(JSON.stringify({ symbol, threshold: alert.threshold }))
})

exports.load = async (requests) => {
  for (let n = 0; n < requests; n++) {
    await request(server, `/watch/S${n % 40}`)
    if (n % 10 === 0) bus.emit('price', { symbol: `S${n % 40}`, value: n })
  }
}
exports.close = () => server.close()
