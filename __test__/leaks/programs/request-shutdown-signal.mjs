// Requests that stop when the service shuts down.
import http from 'node:http'
import client from '../client.cjs'

const shutdown = new AbortController()

async function report(query, signal) {
  const state = { query, rows: [], cancelled: false }
  signal.addEventListener('abort', () => {
    state.cancelled = true
    state.rows.length = 0
  })
  for (let row = 0; row < 25; row++) {
    if (state.cancelled) break
    state.rows.push({ row, total: row * query.length })
  }
  return state.rows
}

const server = http.createServer(async (req, res) => {
  const rows = await report(req.url, shutdown.signal)
  res.end(JSON.stringify(rows))
})

export async function load(count) {
  for (let n = 0; n < count; n++) await client.request(server, `/report?customer=${n}`)
}

export function close() {
  shutdown.abort()
  server.close()
}
