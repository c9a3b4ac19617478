'use strict'
// Collects points, writes them by seventies.
class BatchWriter {
  #batch = []
  #written = 0
  #flushing = Promise.resolve()

  add(point) {
    this.#batch.push(point)
    if (this.#batch.length >= 70) this.flush()
  }

  flush() {
    const batch = this.#batch
    this.#batch = []
    this.#flushing = this.#flushing.then(async () => {
      await new Promise(setImmediate)
      this.#written += batch.length
    })
    return this.#flushing
  }
}

const writer = new BatchWriter()
let n = 0

exports.load = async (count) => {
  for (let end = n + count; n < end; n++) writer.add({ metric: 'cpu', value: Math.random(), tags: { host: `h${n % 9}` }, at: new Date() })
  await new Promise((resolve) => setTimeout(resolve, 5))
}
