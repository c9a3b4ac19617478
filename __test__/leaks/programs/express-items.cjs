'use strict'
const express = require('express')
const http = require('node:http')
const { request } = require('../client.cjs')

const items = new Map(Array.from({ length: 20 }, (_, id) => [`${id}`, { id, name: `item ${id}` }]))
const app = express()
app.use(express.json())
app.use((req, _res, next) => {
  req.startedAt = process.hrtime.bigint()
  next()
})
app.get('/items/:id', (req, res) => {
  const item = items.get(req.params.id)
  if (!item) return res.status(404).json({ error: 'not found' })
  return res.json({ ...item, query: req.query })
})
app.put('/items/:id', (req, res) => {
  items.set(req.params.id, { id: Number(req.params.id), ...req.body })
  res.sendStatus(204)
})
app.use((error, _req, res, _next) => res.status(500).json({ error: error.message }))
const server = http.createServer(app)

exports.load = async (count) => {
  for (let n = 0; n < count; n++) {
    const id = n % 20
    if (n % 3 === 0) await request(server, `/items/${id}`, { method: 'PUT', body: { name: `renamed ${n}` } })
    else await request(server, `/items/${n % 7 === 0 ? 'unknown' : id}?page=${n}`)
  }
}
exports.close = () => server.close()
