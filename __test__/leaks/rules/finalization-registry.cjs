'use strict'

class Handle {
  constructor(id) {
    this.id = id
  }
}

const closed = []
const registry = new FinalizationRegistry((handle) => closed.push(handle.id))

function open(id, held) {
  const handle = new Handle(id)
  registry.register(handle, held(handle))
  return handle
}

exports.leaking = {
  owner: /^registry/,
  load(n) {
    for (let i = 0; i < n; i++) open(i, (handle) => ({ id: i, handle }))
  },
}

exports.steady = {
  load(n) {
    for (let i = 0; i < n; i++) {
      const handle = new Handle(i)
      registry.register(handle, { id: i }, handle)
      registry.unregister(handle)
    }
  },
}
