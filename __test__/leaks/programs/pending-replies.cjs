'use strict'
const pending = new Map()
let next = 0

function request(body) {
  const id = `${process.pid}-${next++}`
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('late')), 60_000)
    pending.set(id, { body, resolve, timer })
    setImmediate(() => {
      const entry = pending.get(id)
      pending.delete(id)
      clearTimeout(entry.timer)
      entry.resolve({ id, ok: true })
    })
  })
}

exports.load = async (count) => {
  for (let n = 0; n < count; n++) await request({ n, text: `question ${n}` })
}
