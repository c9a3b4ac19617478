// The last hundred thumbnails.
class Lru {
  #entries = new Map()
  constructor(max) {
    this.max = max
  }
  get(key) {
    const value = this.#entries.get(key)
    if (value !== undefined) {
      this.#entries.delete(key)
      this.#entries.set(key, value)
    }
    return value
  }
  set(key, value) {
    this.#entries.delete(key)
    this.#entries.set(key, value)
    if (this.#entries.size > this.max) this.#entries.delete(this.#entries.keys().next().value)
  }
}

const thumbnails = new Lru(100)
let picture = 0

export async function load(count) {
  for (let n = 0; n < count; n++) {
    const key = `picture-${picture++}`
    thumbnails.set(key, { key, pixels: new Array(100).fill(n), size: { width: 10, height: 10 } })
    thumbnails.get(`picture-${picture - 3}`)
  }
}
