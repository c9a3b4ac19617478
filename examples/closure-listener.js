// A closure in a listener: the leak that hides best.
//
// A server of share prices. Each request sets a price alert, which listens to the one bus that lives
// as long as the process. Nothing ever removes the listener, so the bus keeps it, the listener keeps
// what it closes over, and the memory of every request that was ever served stays.
//
//   node examples/closure-listener.js
//   curl 'http://127.0.0.1:PORT/?symbol=ACME&limit=120'
//   kill -USR2 PID        once before, once after some requests, once after many
//
// What to see in DevTools (Memory, Load profile, Comparison): PriceAlert and PriceHistory grow by one
// a request. Retainers: bus -> _events -> price -> a closure -> its context -> alert, history.

// In your project: require('rs-heapdump'). Loading it is all that `kill -USR2` needs.
require('..')
const { EventEmitter } = require('node:events')
const http = require('node:http')

class PriceAlert {
  constructor(symbol, limit) {
    this.symbol = symbol
    this.limit = limit
    this.hits = 0
  }

  check(quote) {
    if (quote.symbol === this.symbol && quote.price > this.limit) this.hits++
  }
}

/** The closing prices of a year. The class is there for its name: it is what the snapshot shows. */
class PriceHistory extends Float64Array {}

const bus = new EventEmitter()

// At the eleventh listener Node warned: "Possible EventEmitter memory leak detected". It was right.
// This is how that warning is often silenced, and how the leak gets to production.
bus.setMaxListeners(0)

setInterval(() => bus.emit('price', { symbol: 'ACME', price: 100 + Math.random() * 50 }), 1000)

function setAlert(symbol, limit) {
  const alert = new PriceAlert(symbol, limit)
  const history = new PriceHistory(250).map((_, day) => 100 + Math.sin(day / 10) * 20)
  const average = () => history.reduce((sum, price) => sum + price, 0) / history.length

  // THE LEAK: no `off`. The listener uses `alert` alone, and yet it keeps `history` too: V8 gives all
  // closures made in one call of a function one shared context, and `average` put `history` there.
  bus.on('price', (quote) => alert.check(quote))

  // The cure: name the listener, and remove it when its time is over, for example
  //   const listener = (quote) => alert.check(quote)
  //   bus.on('price', listener)
  //   setTimeout(() => bus.off('price', listener), 60_000)

  return { symbol, limit, average: average() }
}

const server = http.createServer((request, response) => {
  const { searchParams } = new URL(request.url, 'http://127.0.0.1')
  const answer = setAlert(searchParams.get('symbol') ?? 'ACME', Number(searchParams.get('limit') ?? 120))
  response.setHeader('content-type', 'application/json')
  response.end(`${JSON.stringify(answer)}\n`)
})

server.listen(process.env.PORT ?? 0, '127.0.0.1', () => {
  console.log(`listening on http://127.0.0.1:${server.address().port}, pid ${process.pid}`)
})
