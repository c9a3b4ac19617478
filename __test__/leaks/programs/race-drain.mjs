// A worker that takes tasks until it is told to drain.
let beginDrain
const draining = new Promise((resolve) => {
  beginDrain = resolve
})

class Task {
  constructor(id) {
    this.id = id
    this.input = Array.from({ length: 30 }, (_, index) => index * id)
  }
  async run() {
    await null
    return { id: this.id, sum: this.input.reduce((a, b) => a + b, 0), input: this.input }
  }
}

async function work(task) {
  const outcome = await Promise.race([task.run(), draining])
  if (outcome === 'drain') return null
  return outcome.sum
}

export async function load(count) {
  for (let id = 0; id < count; id++) await work(new Task(id))
}

export function close() {
  beginDrain('drain')
}
