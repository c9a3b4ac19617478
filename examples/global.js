// Globals: what hangs on the global object is never garbage.
//
// Three ways to get there, from the plain one to the puzzle:
//
//   1. `global.visits`: a global on purpose, which only ever grows.
//   2. `lastVisit = …`: a forgotten `const`. It holds on to one object only, but it is shared by all
//      requests, which is a bug of its own. 'use strict' or ESLint's no-undef would have caught it.
//   3. `inner = function () { void bigData }`: a closure on the global object. By itself it keeps the
//      `bigData` of the last call alone, for each call replaces it. With one innocent line more,
//      each call keeps the call before, and all of them stay: see `out`.
//
//   node examples/global.js
//   curl http://127.0.0.1:PORT/
//   kill -USR2 PID        once before, once after some requests, once after many
//
// What to see in DevTools: Visit and BigData grow by one a request. Retainers: global -> visits, and
// global -> inner -> context -> previous -> context -> previous -> …

// In your project: require('rs-heapdump'). Loading it is all that `kill -USR2` needs.
require('..')
const http = require('node:http')

class Visit {
  constructor(request) {
    this.url = request.url
    this.at = Date.now()
  }
}

/** Something of size. The class is there for its name: it is what the snapshot shows. */
class BigData extends Float64Array {}

// THE LEAK, first form: no one ever takes anything out.
// The cure: count, or keep the last hundred (`if (visits.length > 100) visits.shift()`).
global.visits = []

global.inner = null

function out() {
  const previous = global.inner
  const bigData = new BigData(100)

  // Never called. But it mentions `previous`, and V8 gives all closures made in one call of a function
  // one shared context: so `inner`, below, holds `previous` as well, without a mention of it.
  const unused = () => previous
  void unused

  // THE LEAK, second form: no `const`, so this lands on the global object, where it outlives the call.
  // And through the context it leads to the `inner` of the call before, and so on to the first.
  // The cure: `const inner`. Where it must outlive the call: `previous = null` once it is not needed.
  // biome-ignore lint/complexity/useArrowFunction: as it is found in old code
  inner = function () {
    void bigData
  }
}

const server = http.createServer((request, response) => {
  lastVisit = new Visit(request)
  global.visits.push(global.lastVisit)
  out()
  response.end(`visit ${global.visits.length}\n`)
})

server.listen(process.env.PORT ?? 0, '127.0.0.1', () => {
  console.log(`listening on http://127.0.0.1:${server.address().port}, pid ${process.pid}`)
})
