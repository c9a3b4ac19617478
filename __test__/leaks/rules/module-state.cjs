'use strict'

class Item {
  constructor(value, next) {
    this.value = value
    this.next = next
  }
}

const queue = { head: null }

exports.leaking = {
  owner: /^queue/,
  load(n) {
    for (let i = 0; i < n; i++) queue.head = new Item(`item ${i}`, queue.head)
  },
}

exports.steady = {
  load(n) {
    for (let i = 0; i < n; i++) queue.head = new Item(`item ${i}`, null)
  },
}
