'use strict'
// A catalogue with a bounded cache of pages, and the counts of views for the yearly report.
const http = require('node:http')
const { request } = require('../client.cjs')

const PAGES_MAX = 90

class Catalog {
  constructor() {
    this.pages = new Map()
    this.views = new Map()
  }

  page(id) {
    let page = this.pages.get(id)
    if (!page) {
      page = { id, html: `<h1>${id}</h1>${'<p>text</p>'.repeat(200)}`.split('>'), links: new Array(100).fill(id) }
      this.pages.set(id, page)
      if (this.pages.size > PAGES_MAX) this.pages.delete(this.pages.keys().next().value)
    }
    return page
  }

  count(visitor, id) {
    this.views.set(`${visitor}/${id}`, { at: Date.now() })
  }
}

const catalog = new Catalog()

const server = http.createServer((req, res) => {
  const [, id, visitor] = req.url.split('/')
  const { html } = catalog.page(id)
  catalog.count(visitor, id)
  res.end(html.join('>'))
})

let visitor = 0
exports.load = async (count) => {
  for (let n = 0; n < count; n++) await request(server, `/item-${visitor % 300}/visitor-${visitor++}`)
}
exports.close = () => server.close()
