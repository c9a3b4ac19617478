'use strict'

const { AsyncLocalStorage } = require('node:async_hooks')

const storage = new AsyncLocalStorage()
let poller

class Span {
  constructor(name) {
    this.name = name
  }
}

function begin() {
  storage.enterWith({ spans: [] })
  poller = setInterval(() => storage.getStore().spans.length, 60_000)
  poller.unref()
}

exports.leaking = {
  owner: /spans/,
  load(n) {
    if (!poller) begin()
    for (let i = 0; i < n; i++) storage.getStore().spans.push(new Span(`span ${i}`))
  },
}

exports.steady = {
  load(n) {
    for (let i = 0; i < n; i++) {
      storage.run({ spans: [] }, () => storage.getStore().spans.push(new Span(`span ${i}`)))
    }
  },
}
