// Paged exports: a client asks for the next page with the cursor that it got with the last one.
import { randomUUID } from 'node:crypto'

async function* pages(table, size) {
  const rows = Array.from({ length: 40 }, (_, id) => ({ id, table, name: `row ${id}` }))
  for (let start = 0; start < rows.length; start += size) {
    yield rows.slice(start, start + size)
  }
}

const cursors = new Map()

async function firstPage(table) {
  const iterator = pages(table, 10)
  const { value } = await iterator.next()
  const cursor = randomUUID()
  cursors.set(cursor, iterator)
  return { cursor, rows: value }
}

async function nextPage(cursor) {
  const { value, done } = await cursors.get(cursor).next()
  if (done) cursors.delete(cursor)
  return { cursor, rows: value ?? [] }
}

export async function load(count) {
  for (let n = 0; n < count; n++) {
    const { cursor } = await firstPage(`table-${n}`)
    if (n % 2) await nextPage(cursor)
  }
}
