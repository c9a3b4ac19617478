'use strict'
// Rendering jobs wait for a licence seat.
const { setTimeout: sleep } = require('node:timers/promises')

class LicenceServer {
  #granted
  constructor() {
    this.#granted = new Promise(() => {})
  }
  async seat() {
    return this.#granted
  }
  granted() {
    return this.#granted
  }
}

const licences = new LicenceServer()

async function render(frame) {
  const scene = { frame, meshes: Array.from({ length: 20 }, (_, mesh) => ({ mesh, frame, vertices: [mesh, frame, 0] })) }
  const seat = await licences.granted()
  return seat.render(scene)
}

exports.load = async (count) => {
  for (let frame = 0; frame < count; frame++) {
    render(frame)
    if (frame % 100 === 0) await sleep(1)
  }
}
