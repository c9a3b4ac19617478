'use strict'
const perform = require('./worker.cjs')

class Job {
  constructor(id) {
    this.id = id
    this.input = { url: `https://images.example/${id}.png`, sizes: [16, 32, 64] }
    this.result = null
  }
  async work() {
    return this.input.sizes.map((size) => ({ size, file: `${this.id}-${size}.png` }))
  }
}

exports.load = async (count) => {
  for (let id = 0; id < count; id++) await perform(new Job(id))
}
