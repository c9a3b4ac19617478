'use strict'
// Messages are sent once the gateway has said hello. (This gateway never does.)
class Gateway {
  constructor(url) {
    this.url = url
    this.ready = new Promise((resolve) => {
      this.hello = resolve
    })
  }

  send(message) {
    const envelope = { to: this.url, sentAt: new Date(), message, headers: { 'x-id': `${message.id}`, 'x-kind': 'event' } }
    this.ready.then((socket) => socket.write(JSON.stringify(envelope)))
    return envelope.headers['x-id']
  }
}

const gateway = new Gateway('wss://gateway.example')

exports.load = async (count) => {
  for (let id = 0; id < count; id++) {
    gateway.send({ id, text: `message ${id}`, attachments: [{ id, kind: 'image' }] })
    await null
  }
}
