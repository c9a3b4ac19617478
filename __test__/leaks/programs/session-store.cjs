'use strict'
// Logins: POST /login makes a session, its token comes back.
const http = require('node:http')
const { randomBytes } = require('node:crypto')
const { request } = require('../client.cjs')

const sessions = new Map()

function login(user) {
  const token = randomBytes(18).toString('base64')
  sessions.set(token, { user, createdAt: new Date(), cart: [], flags: { beta: false, admin: user.name === 'root' } })
  return token
}

const server = http.createServer((req, res) => {
  let text = ''
  req.on('data', (chunk) => {
    text += chunk
  })
  req.on('end', () => {
    res.setHeader('content-type', 'application/json')
    res.end(JSON.stringify({ token: login(JSON.parse(text)) }))
  })
})

exports.load = async (logins) => {
  for (let n = 0; n < logins; n++) {
    await request(server, '/login', { method: 'POST', body: { name: `user${n}`, locale: 'en', preferences: { theme: 'dark' } } })
  }
}
exports.close = () => server.close()
