'use strict'
// Remembers the tokens that forms came with.
const http = require('node:http')
const { request } = require('../client.cjs')

const recentTokens = []

const server = http.createServer((req, res) => {
  let form = ''
  req.setEncoding('utf8')
  req.on('data', (chunk) => {
    form += chunk
  })
  req.on('end', () => {
    const start = form.indexOf('token=') + 6
    recentTokens.push(form.slice(start, start + 32))
    res.end('thanks')
  })
})

exports.load = async (count) => {
  for (let n = 0; n < count; n++) {
    const token = `${n}`.padStart(32, 'f0')
    await request(server, '/form', { method: 'POST', body: `comment=${'lorem ipsum '.repeat(300)}&token=${token}` })
  }
}
exports.close = () => server.close()
