import { EventEmitter } from 'node:events'

const config = new EventEmitter()
let current = null

function apply(settings) {
  if (current) config.off('change', current)
  current = () => settings.values
  config.on('change', current)
}

let next = 0
export async function load(count) {
  for (let n = 0; n < count; n++) apply({ id: next++, values: { level: n, tags: ['a', `b${n}`] } })
  config.emit('change')
}
