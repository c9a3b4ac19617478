import { hub } from './hub.mjs'

export class Peer {
  constructor(id) {
    this.id = id
    this.inbox = []
    this.open = true
    this.unsubscribe = hub.subscribe('news', (message) => {
      if (this.open) this.inbox.push(message)
    })
  }

  close() {
    this.open = false
    this.inbox.length = 0
  }
}
