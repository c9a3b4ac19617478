// A server with a heap of so many megabytes in small objects, which captures itself when told to.
// Started by live.mjs: `node live-server.cjs <root> <heapdump's directory or ''> <megabytes>`.

const fs = require('fs')
const http = require('http')
const { performance } = require('perf_hooks')

const [root, heapdumpDirectory, megabytes] = process.argv.slice(2)

class Entry {
  constructor(id) {
    this.id = id
    this.owner = { name: id, next: null }
    this.tags = [id, id + 1, id + 2]
  }
}
const entries = []
while (process.memoryUsage().heapUsed < Number(megabytes) * 2 ** 20) {
  for (let i = 0; i < 10_000; i++) entries.push(new Entry(entries.length))
}

const server = http.createServer((_request, response) => {
  const from = Math.floor(Math.random() * (entries.length - 50))
  // A request replaces a few objects and answers with some.
  for (let i = from; i < from + 20; i++) entries[i] = new Entry(i)
  response.end(JSON.stringify(entries.slice(from, from + 50)))
})

let longestMs = 0
let last = performance.now()
setInterval(() => {
  const now = performance.now()
  longestMs = Math.max(longestMs, now - last)
  last = now
}, 1)

const CAPTURES = {
  live: (filename, done) => require(root).writeSnapshotAsync({ filename, live: 'require' }).then(done),
  'in-process': (filename, done) => require(root).writeSnapshotAsync({ filename }).then(done),
  v8: (filename, done) => done({ path: require('v8').writeHeapSnapshot(filename) }),
  heapdump: (filename, done) => require(heapdumpDirectory).writeSnapshot(filename, () => done({})),
  nothing: (_filename, done, ms) => setTimeout(done, ms, {}),
}

process.on('message', ({ what, filename, lastsMs }) => {
  const rssBefore = process.memoryUsage().rss
  longestMs = 0
  const started = performance.now()
  CAPTURES[what](
    filename,
    (info) => {
      const durationMs = performance.now() - started
      // The stall shows once the loop has turned again; memory settles a little later.
      setTimeout(() => {
        const size = fs.existsSync(filename) ? fs.statSync(filename).size : 0
        process.send({
          durationMs,
          stallMs: longestMs,
          pauseMs: info.pauseMs,
          nodes: info.nodes,
          rssBefore,
          rssAfter: process.memoryUsage().rss,
          size,
        })
      }, 2000)
    },
    lastsMs,
  )
})

require(root) // before the first request, as in production
server.listen(0, '127.0.0.1', () => process.send({ port: server.address().port, rss: process.memoryUsage().rss }))
