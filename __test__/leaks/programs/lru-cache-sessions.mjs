import { LRUCache } from 'lru-cache'

const sessions = new LRUCache({ max: 80, ttl: 60_000 })
let n = 0

export async function load(count) {
  for (let end = n + count; n < end; n++) {
    sessions.set(`s${n}`, { id: n, cart: [{ sku: `a${n}`, quantity: 1 }], seen: new Date() })
    sessions.get(`s${n - 10}`)
    if (n % 5 === 0) sessions.delete(`s${n - 20}`)
  }
}
