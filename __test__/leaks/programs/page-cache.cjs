'use strict'
// Rendered pages by their address, query string and all.
const http = require('node:http')
const { request } = require('../client.cjs')

const pages = Object.create(null)

function render(url) {
  const query = new URL(url, 'http://localhost').searchParams
  return { html: `<h1>${query.get('q')}</h1>`.padEnd(400, ' '), etag: `"${url.length}"`, renderedAt: Date.now() }
}

const server = http.createServer((req, res) => {
  const page = (pages[req.url] ??= render(req.url))
  res.writeHead(200, { etag: page.etag })
  res.end(page.html)
})

let visitor = 0
exports.load = async (count) => {
  for (let n = 0; n < count; n++) await request(server, `/search?q=term${n % 9}&session=${visitor++}`)
}
exports.close = () => server.close()
