// Makes heaps to measure on: the same heap for the same arguments, on the same Node.
//
//   node --max-old-space-size=12000 bench/make-heap.mjs OUT_DIR SIZE_MB [BASE_MB]
//
// Leaves OUT_DIR/bench-SIZE.heapsnapshot, and with BASE_MB (which must be less) a first snapshot of the same
// process at that size, OUT_DIR/bench-SIZE-base.heapsnapshot, to compare with. The heap is what servers hold:
// records of a few classes and plain objects, strings, arrays, Maps, closures, shared values, a WeakMap, and
// from 100 MB on a list 300,000 deep.

import { statSync } from 'node:fs'
import { join } from 'node:path'
import { writeHeapSnapshot } from 'node:v8'

const [, , directory, size, base] = process.argv
if (!directory || !(Number(size) > 0)) {
  console.error('usage: node bench/make-heap.mjs OUT_DIR SIZE_MB [BASE_MB]')
  process.exit(2)
}

// xorshift32: the heap must not depend on the clock or on Math.random.
let state = 0x9e3779b9
function random(below) {
  state ^= state << 13
  state ^= state >>> 17
  state ^= state << 5
  return (state >>> 0) % below
}

class User {
  constructor(id) {
    this.id = id
    this.name = `user ${id}`
    this.address = { street: `street ${random(1e6)}`, city: cities[random(cities.length)] }
    this.tags = [id & 1 ? 'odd' : 'even', cities[id % cities.length]]
  }
}
class Order {
  constructor(id, user) {
    this.id = id
    this.user = user
    this.lines = Array.from({ length: 1 + random(4) }, (_, line) => ({
      line,
      sku: skus[random(skus.length)],
      amount: random(1000) / 7,
    }))
    this.at = new Date(id)
  }
}
class Node {
  constructor(next, value) {
    this.next = next
    this.value = value
    this.previous = null
    if (next) next.previous = this
  }
}

const cities = Array.from({ length: 500 }, (_, i) => ({ city: `city ${i}`, zone: { zone: i % 7 } }))
const skus = Array.from({ length: 2000 }, (_, i) => ({ sku: `SKU-${i}`, weight: i / 3 }))
const held = { users: [], orders: new Map(), sessions: new Map(), handlers: [], metadata: new WeakMap(), list: null }

function grow(records) {
  for (let i = 0; i < records; i++) {
    const id = held.users.length
    const user = new User(id)
    held.users.push(user)
    for (let k = random(3); k >= 0; k--) {
      const order = new Order(id * 4 + k, held.users[random(held.users.length)])
      held.orders.set(order.id, order)
    }
    if (id % 3 === 0)
      held.sessions.set(`session-${id}`, {
        user,
        token: `t${id}`,
        seen: [id, id + 1],
        data: { cart: null, last: skus[id % skus.length] },
      })
    if (id % 5 === 0) held.handlers.push(() => user.name)
    if (id % 50 === 0) held.metadata.set(user, { note: `note ${id}`, user })
  }
}
function deepen(depth) {
  for (let i = 0; i < depth; i++) held.list = new Node(held.list, held.users[random(held.users.length)])
}

// Measured on Node 20: a record and what hangs from it take this much of a snapshot.
const RECORD_BYTES = 2225
const LIST_NODE_BYTES = 130
const FIXED_BYTES = 4.5e6
const LIST_DEPTH = 300_000
const records = (megabytes, deep) =>
  Math.max(0, Math.round((megabytes * 1e6 - FIXED_BYTES - (deep ? LIST_DEPTH * LIST_NODE_BYTES : 0)) / RECORD_BYTES))

const deep = Number(size) >= 100
function write(name) {
  const path = join(directory, name)
  writeHeapSnapshot(path)
  console.log(`${path}: ${(statSync(path).size / 1e6).toFixed(0)} MB`)
}
if (base) {
  grow(records(Number(base), deep))
  if (deep) deepen(LIST_DEPTH)
  write(`bench-${size}-base.heapsnapshot`)
  held.users.splice(0, 1000)
}
grow(records(Number(size), deep) - (base ? records(Number(base), deep) : 0))
if (deep && !base) deepen(LIST_DEPTH)
write(`bench-${size}.heapsnapshot`)
