'use strict'

class Ticket {
  constructor(id) {
    this.id = id
    this.note = `ticket ${id}`
  }
}

const ready = new Promise(() => {})
const done = Promise.resolve()

exports.leaking = {
  owner: /^ready$/,
  load(n) {
    for (let i = 0; i < n; i++) {
      const ticket = new Ticket(i)
      ready.then(() => ticket.id)
    }
  },
}

exports.steady = {
  async load(n) {
    for (let i = 0; i < n; i++) {
      const ticket = new Ticket(i)
      await done.then(() => ticket.id)
    }
  },
}
