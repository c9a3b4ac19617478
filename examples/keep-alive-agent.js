// Listeners on sockets that are used again: harmless until somebody turns keep-alive on.
//
// A server that asks another one, an upstream, on each request. For its log it listens to the socket
// of each call. Without keep-alive every call has a socket of its own, and the listener dies with it.
// With `keepAlive: true` (the default of http.globalAgent from Node 19 on) a few sockets serve all
// calls, live for hours, and collect one listener a call.
//
//   node examples/keep-alive-agent.js
//   curl http://127.0.0.1:PORT/some/path
//   kill -USR2 PID        once before, once after some requests, once after many
//
// Node warns here, at the eleventh listener of a socket: MaxListenersExceededWarning on stderr.
//
// What to see in DevTools: UpstreamCall grows by one a request, while Socket does not. Retainers:
// Socket -> _events -> error -> a closure -> its context -> call. The same context holds `done`, and
// through it the client's request and response: small listeners keep large things.

// In your project: require('rs-heapdump'). Loading it is all that `kill -USR2` needs.
require('..')
const http = require('node:http')

class UpstreamCall {
  constructor(path) {
    this.path = path
    this.startedAt = Date.now()
    this.characters = 0
    this.error = null
  }
}

const agent = new http.Agent({ keepAlive: true, maxSockets: 4 })

// The upstream. In real life it is another machine; here it shares the process, to be one file.
const upstream = http.createServer((request, response) => {
  response.end(`upstream has seen ${request.url} `.repeat(20))
})
upstream.keepAliveTimeout = 60_000

function callUpstream(path, done) {
  const call = new UpstreamCall(path)
  const request = http.get({ host: '127.0.0.1', port: upstream.address().port, path, agent }, (response) => {
    response.setEncoding('utf8')
    response.on('data', (chunk) => (call.characters += chunk.length))
    response.on('end', () => done(null, call))
  })
  request.on('error', done)

  request.on('socket', (socket) => {
    // THE LEAK: the socket goes back to the agent after the call, with this listener still on it.
    socket.on('error', (error) => {
      call.error = error
    })
    // The cure: listen to what lives no longer than the call. The errors of its socket reach the
    // request: `request.on('error', (error) => { call.error = error })`. Where it must be the socket,
    // remove the listener when the response ends: `socket.off('error', listener)`.
  })
}

const server = http.createServer((request, response) => {
  callUpstream(request.url, (error, call) => {
    if (error) {
      response.statusCode = 502
      response.end(`${error.message}\n`)
      return
    }
    response.end(`${call.characters} characters from upstream in ${Date.now() - call.startedAt} ms\n`)
  })
})

upstream.listen(0, '127.0.0.1', () => {
  server.listen(process.env.PORT ?? 0, '127.0.0.1', () => {
    console.log(`listening on http://127.0.0.1:${server.address().port}, pid ${process.pid}`)
  })
})
