const inFlight = new Set()

async function fetchQuote(symbol) {
  if (symbol.endsWith('7')) throw new Error(`no quote for ${symbol}`)
  return { symbol, price: symbol.length }
}

async function quote(symbol) {
  const request = { symbol, at: process.hrtime.bigint(), headers: { accept: 'application/json' } }
  inFlight.add(request)
  const result = await fetchQuote(symbol)
  if (result.price > 100) inFlight.delete(request)
  return result
}

let next = 0
export async function load(count) {
  for (let n = 0; n < count; n++) await quote(`SYM${next++}`).catch(() => {})
}
