'use strict'
// An application that reloads its routes from the configuration.
const express = require('express')
const http = require('node:http')
const { request } = require('../client.cjs')

const app = express()
app.disable('x-powered-by')
const server = http.createServer(app)

function reloadRoutes(configuration) {
  for (const route of configuration.routes) {
    app.get(route.path, (_req, res) => res.json({ route: route.path, version: configuration.version }))
  }
}

let version = 0
exports.load = async (count) => {
  for (let n = 0; n < count; n++) {
    reloadRoutes({ version: version++, routes: [{ path: '/status' }, { path: '/items/:id' }] })
    if (n % 10 === 0) await request(server, '/items/1')
  }
}
exports.close = () => server.close()
