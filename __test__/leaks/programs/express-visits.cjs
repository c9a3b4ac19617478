'use strict'
const express = require('express')
const session = require('express-session')
const http = require('node:http')
const { request } = require('../client.cjs')

const app = express()
const store = new session.MemoryStore()
app.use(session({ secret: 'keyboard cat', resave: false, saveUninitialized: true, store }))
app.get('/', (req, res) => {
  req.session.views = (req.session.views ?? 0) + 1
  req.session.referrer = req.get('referrer')
  res.send(`views: ${req.session.views}`)
})
const server = http.createServer(app)

exports.load = async (count) => {
  for (let n = 0; n < count; n++) await request(server, '/', { headers: { referrer: `https://search.example/?q=${n}` } })
}
exports.close = () => server.close()
