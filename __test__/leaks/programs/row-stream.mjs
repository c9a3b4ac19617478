// Each browser tab follows the rows of a feed.
import { EventEmitter, on } from 'node:events'

const feed = new EventEmitter()
feed.setMaxListeners(0)

async function follow(tab) {
  const view = { tab, rows: [], columns: Array.from({ length: 16 }, (_, n) => ({ n, width: 80 })) }
  for await (const [row] of on(feed, 'row')) {
    view.rows[0] = row
  }
  return view
}

export async function load(count) {
  for (let tab = 0; tab < count; tab += 4) {
    follow(tab)
    if (tab % 100 === 0) feed.emit('row', { tab })
    await null
  }
}
