// Spans of the work that a consumer does, found by AsyncLocalStorage.
import { AsyncLocalStorage } from 'node:async_hooks'

const tracing = new AsyncLocalStorage()

function span(name) {
  const trace = tracing.getStore()
  trace.spans.push({ name, trace: trace.id, start: performance.now(), attributes: { kind: 'internal' } })
}

async function handle(message) {
  span(`handle ${message.id}`)
  await null
  span(`done ${message.id}`)
}

// The consumer runs as long as the process does, all of it within one trace.
const messages = []
let wake
tracing.run({ id: 'consumer', spans: [] }, async () => {
  for (;;) {
    while (messages.length > 0) await handle(messages.shift())
    await new Promise((resolve) => {
      wake = resolve
    })
  }
})

export async function load(count) {
  for (let id = 0; id < count; id++) {
    messages.push({ id })
    wake?.()
    await new Promise(setImmediate)
  }
}
