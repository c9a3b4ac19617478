import { MessageChannel } from 'node:worker_threads'

const { port1, port2 } = new MessageChannel()
port2.on('message', ({ id, text }) => port2.postMessage({ id, text: text.toUpperCase() }))
port2.unref()
port1.setMaxListeners(0)

let next = 0
function shout(text) {
  const id = next++
  return new Promise((resolve) => {
    port1.on('message', (reply) => {
      if (reply.id === id) resolve(reply.text)
    })
    port1.postMessage({ id, text })
  })
}

export async function load(count) {
  for (let n = 0; n < count; n++) await shout(`hello ${n}`)
}

export function close() {
  port1.close()
}
