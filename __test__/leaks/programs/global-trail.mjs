// An audit trail that every module can reach.
import http from 'node:http'
import client from '../client.cjs'

globalThis.auditTrail = []

const server = http.createServer((req, res) => {
  globalThis.auditTrail.push({
    at: Date.now(),
    method: req.method,
    url: req.url,
    headers: { ...req.headers },
    remote: { address: req.socket.remoteAddress, port: req.socket.remotePort },
  })
  res.end()
})

export async function load(count) {
  for (let n = 0; n < count; n++) await client.request(server, `/accounts/${n}`)
}
export const close = () => server.close()
