// Calls to a process that answers by number.
class Channel {
  constructor() {
    this.pending = {}
    this.sequence = 0
  }

  call(method, params) {
    const id = ++this.sequence
    return new Promise((resolve, reject) => {
      this.pending[id] = { method, params, resolve, reject, sentAt: new Date() }
      queueMicrotask(() => this.receive({ id, result: params.length }))
    })
  }

  receive({ id, result }) {
    const call = this.pending[id]
    call.resolve(result)
    call.done = true
  }
}

const channel = new Channel()

export async function load(count) {
  for (let n = 0; n < count; n++) await channel.call('add', [n, n, n])
}
