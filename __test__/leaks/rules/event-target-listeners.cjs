'use strict'

const shutdown = new AbortController()

function run(job, signal) {
  const onAbort = () => job.cancel()
  signal.addEventListener('abort', onAbort, { once: true })
  return () => signal.removeEventListener('abort', onAbort)
}

class Job {
  constructor(id) {
    this.id = id
  }

  cancel() {
    this.id = 0
  }
}

exports.leaking = {
  owner: /shutdown|AbortSignal/,
  load(n) {
    for (let i = 0; i < n; i++) run(new Job(i), shutdown.signal)
  },
}

exports.steady = {
  load(n) {
    for (let i = 0; i < n; i++) run(new Job(i), shutdown.signal)()
  },
}
