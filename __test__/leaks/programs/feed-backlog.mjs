import { Readable } from 'node:stream'

const feed = new Readable({ objectMode: true, read() {} })

let sequence = 0
export async function load(count) {
  for (let n = 0; n < count; n++) {
    feed.push({ sequence: sequence++, kind: 'trade', payload: { price: n, venue: `venue ${n % 3}` } })
  }
}
