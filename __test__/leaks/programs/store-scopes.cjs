'use strict'
// The request's context, as long as the request lasts.
const http = require('node:http')
const { AsyncLocalStorage } = require('node:async_hooks')
const { request } = require('../client.cjs')

const context = new AsyncLocalStorage()

async function authorize() {
  await new Promise((resolve) => setTimeout(resolve, 1))
  context.getStore().user = { name: context.getStore().url, roles: ['a', 'b'] }
}

const server = http.createServer((req, res) => {
  context.run({ url: req.url, started: Date.now(), spans: [] }, async () => {
    await authorize()
    context.getStore().spans.push({ name: 'authorized' })
    res.end(context.getStore().user.name)
  })
})

exports.load = async (count) => {
  for (let n = 0; n < count; n += 5) await Promise.all([0, 1, 2, 3, 4].map((k) => request(server, `/p/${n + k}`)))
}
exports.close = () => server.close()
