// Resolves addresses to places.
class GeoResolver {
  #entries = new Map()
  #lookups = 0

  async resolve(address) {
    const known = this.#entries.get(address)
    if (known) return known
    this.#lookups++
    await null
    const place = { address, country: 'NL', city: `City ${this.#lookups}`, position: { lat: 52 + Math.random(), lon: 4 + Math.random() } }
    this.#entries.set(address, place)
    return place
  }
}

const resolver = new GeoResolver()
let next = 0

export async function load(count) {
  for (let n = 0; n < count; n++) {
    next++
    await resolver.resolve(`10.${(next >> 8) & 255}.${next & 255}.7`)
    await resolver.resolve('127.0.0.1')
  }
}
