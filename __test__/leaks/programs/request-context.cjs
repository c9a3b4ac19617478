'use strict'
// The request's context, for whoever needs it; sessions are touched a day after they were used.
const http = require('node:http')
const { AsyncLocalStorage } = require('node:async_hooks')
const { request } = require('../client.cjs')

const context = new AsyncLocalStorage()
const DAY_MS = 24 * 60 * 60 * 1000

function touch() {}

const server = http.createServer((req, res) => {
  const store = { id: req.headers['x-id'], url: req.url, permissions: Array.from({ length: 30 }, (_, n) => `may:${n}:${req.url}`) }
  context.run(store, () => {
    setTimeout(touch, DAY_MS).unref()
    res.end(context.getStore().id)
  })
})

exports.load = async (count) => {
  for (let n = 0; n < count; n++) await request(server, `/files/${n}`, { headers: { 'x-id': `${n}` } })
}
exports.close = () => server.close()
