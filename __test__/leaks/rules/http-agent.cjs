'use strict'

const http = require('node:http')

const agent = new http.Agent({ keepAlive: true, maxSockets: 1 })
let server
const waiting = new Set()

async function listen() {
  server = http.createServer((request, response) => {
    if (request.url === '/stuck') waiting.add(response)
    else response.end('ok')
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
}

function ask(path) {
  return new Promise((resolve, reject) => {
    const request = http.get({ host: '127.0.0.1', port: server.address().port, path, agent }, (response) => {
      response.resume().on('end', resolve)
    })
    request.on('error', reject)
  })
}

function close() {
  agent.destroy()
  server.closeAllConnections?.()
  server.close()
}

exports.leaking = {
  owner: /requests/,
  async load(n) {
    if (!server) {
      await listen()
      ask('/stuck').catch(() => {})
    }
    for (let i = 0; i < n; i++) ask(`/${i}`).catch(() => {})
    await new Promise((resolve) => setTimeout(resolve, 50))
  },
  close,
}

exports.steady = {
  async load(n) {
    if (!server) await listen()
    for (let i = 0; i < n; i++) await ask(`/${i}`)
  },
  close,
}
