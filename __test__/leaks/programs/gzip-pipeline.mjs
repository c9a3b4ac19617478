// Packs and unpacks documents.
import { PassThrough, Readable, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import zlib from 'node:zlib'

class Count extends Transform {
  bytes = 0
  _transform(chunk, _encoding, done) {
    this.bytes += chunk.length
    done(null, chunk)
  }
}

async function pack(text) {
  const count = new Count()
  await pipeline(Readable.from([text]), zlib.createGzip(), zlib.createGunzip(), count, new PassThrough().resume())
  return count.bytes
}

export async function load(count) {
  for (let n = 0; n < count; n += 5) await pack(`document ${n} `.repeat(500))
}
