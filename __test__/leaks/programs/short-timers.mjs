// Debounced saves: most are put off, the rest done.
import { setTimeout as sleep } from 'node:timers/promises'

const timers = new Map()
let saved = 0

function save(document) {
  clearTimeout(timers.get(document.id))
  timers.set(
    document.id,
    setTimeout(() => {
      timers.delete(document.id)
      saved += document.text.length
    }, 5),
  )
}

export async function load(count) {
  for (let n = 0; n < count; n++) save({ id: n % 90, text: `text ${n}`.repeat(10), history: new Array(30).fill(n) })
  const interval = setInterval(() => saved++, 2)
  while (timers.size > 0) await sleep(3)
  clearInterval(interval)
}
