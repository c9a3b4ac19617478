// A cache without a limit is a leak with a good reputation.
//
// A server that renders pages and keeps them in a Map, by URL. The URL holds the query, the query holds
// whatever clients send (a session, a campaign, a time), so hardly any entry is ever asked for again.
//
//   node examples/cache.js
//   curl 'http://127.0.0.1:PORT/article?session=1'
//   kill -USR2 PID        once before, once after some requests, once after many
//
// What to see in DevTools: CachedPage grows by one a request; the hit rate that the server tells stays
// near nothing. Retainers: pages (a Map) -> table -> CachedPage.

// In your project: require('rs-heapdump'). Loading it is all that `kill -USR2` needs.
require('..')
const http = require('node:http')

const PARAGRAPH = '<p>Lorem ipsum dolor sit amet.</p>'

class CachedPage {
  constructor(url) {
    this.url = url
    // By way of a Buffer, to be one string in the heap and not a tree of concatenations.
    this.html = Buffer.from(`<h1>${url}</h1>${PARAGRAPH.repeat(100)}`).toString()
    this.renderedAt = Date.now()
  }
}

const pages = new Map()
let hits = 0
let misses = 0

function render(url) {
  const cached = pages.get(url)
  if (cached) {
    hits++
    return cached
  }
  misses++
  const page = new CachedPage(url)
  // THE LEAK: entries come, and never go.
  pages.set(url, page)
  // The cure: a bound, and a key that holds only what changes the page (the path, without the query).
  // A Map remembers the order of insertion, so dropping the oldest entry takes one line:
  //   if (pages.size > 500) pages.delete(pages.keys().next().value)
  return page
}

const server = http.createServer((request, response) => {
  const page = render(request.url)
  response.setHeader('content-type', 'text/html')
  response.setHeader('x-cache', `${hits} hits, ${misses} misses, ${pages.size} pages`)
  response.end(page.html)
})

server.listen(process.env.PORT ?? 0, '127.0.0.1', () => {
  console.log(`listening on http://127.0.0.1:${server.address().port}, pid ${process.pid}`)
})
