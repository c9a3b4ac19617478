// Waits for answers on a shared emitter, and leaves it as it was.
import { EventEmitter, once } from 'node:events'

const bus = new EventEmitter()
bus.setMaxListeners(0)
const controller = new AbortController()

async function ask(number) {
  const state = { number, notes: [] }
  const onProgress = (step) => state.notes.push(step)
  const onAbort = () => {
    state.notes.length = 0
  }
  bus.on('progress', onProgress)
  controller.signal.addEventListener('abort', onAbort, { once: true })
  setImmediate(() => {
    bus.emit('progress', number)
    bus.emit('answer', number)
  })
  try {
    await once(bus, 'answer')
    return state.notes.length
  } finally {
    bus.off('progress', onProgress)
    controller.signal.removeEventListener('abort', onAbort)
  }
}

export async function load(count) {
  for (let n = 0; n < count; n += 10) await Promise.all(Array.from({ length: 10 }, (_, k) => ask(n + k)))
}
