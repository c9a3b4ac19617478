'use strict'
const _ = require('lodash')

const fetchQuote = _.memoize(
  async (request) => {
    await null
    return { symbol: request.symbol, price: request.symbol.length * 1.1, bids: [1, 2, 3], request }
  },
  (request) => `${request.symbol}@${request.at}`,
)

let at = 0
exports.load = async (count) => {
  for (let n = 0; n < count; n++) await fetchQuote({ symbol: _.sample(['AAA', 'BBB', 'CCC']), at: at++ })
}
