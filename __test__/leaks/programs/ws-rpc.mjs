// Calls over one WebSocket: the answer is the message with the call's number.
import { once } from 'node:events'
import { WebSocket, WebSocketServer } from 'ws'

let server
let socket
let number = 0

function call(method, parameters) {
  const id = number++
  return new Promise((resolve) => {
    socket.on('message', (data) => {
      const answer = JSON.parse(data)
      if (answer.id === id) resolve({ method, parameters, result: answer.result })
    })
    socket.send(JSON.stringify({ id, method, parameters }))
  })
}

export async function load(count) {
  if (!server) {
    server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
    server.on('connection', (peer) => {
      peer.on('message', (data) => {
        const { id, parameters } = JSON.parse(data)
        peer.send(JSON.stringify({ id, result: parameters.length }))
      })
    })
    await once(server, 'listening')
    socket = new WebSocket(`ws://127.0.0.1:${server.address().port}`)
    socket.setMaxListeners(0)
    await once(socket, 'open')
  }
  for (let n = 0; n < count; n++) await call('sum', [n, n + 1, { precision: 2 }])
}
