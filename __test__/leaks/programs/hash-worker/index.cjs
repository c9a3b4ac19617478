'use strict'
// Hashes files in a thread of its own, one a batch.
const { once } = require('node:events')
const path = require('node:path')
const { Worker } = require('node:worker_threads')

async function hash(texts) {
  const worker = new Worker(path.join(__dirname, 'worker.cjs'), { workerData: texts })
  const exited = once(worker, 'exit')
  const [hashes] = await once(worker, 'message')
  await exited
  return hashes
}

exports.load = async (count) => {
  for (let n = 0; n < count; n += 50) {
    await hash(Array.from({ length: 50 }, (_, k) => `text ${n + k}`))
  }
}
