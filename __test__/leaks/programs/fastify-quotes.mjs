import Fastify from 'fastify'

const app = Fastify({ logger: false })

app.get(
  '/quote/:symbol',
  {
    schema: {
      params: { type: 'object', properties: { symbol: { type: 'string', maxLength: 8 } } },
      response: { 200: { type: 'object', properties: { symbol: { type: 'string' }, price: { type: 'number' } } } },
    },
  },
  async (request) => ({ symbol: request.params.symbol, price: request.params.symbol.length * 1.5 }),
)
app.addHook('onRequest', async (request) => {
  request.headers['x-seen'] = '1'
})

export async function load(count) {
  for (let n = 0; n < count; n++) {
    await app.inject({ url: `/quote/${n % 10 === 0 ? 'MUCHTOOLONG' : `S${n}`}` })
  }
}
export const close = () => app.close()
