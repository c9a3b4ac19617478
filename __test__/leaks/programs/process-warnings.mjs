// A job runner which reports warnings that occur while a job runs.
import process from 'node:process'

process.setMaxListeners(0)

export class Job {
  warnings = []
  constructor(name, payload) {
    this.name = name
    this.payload = payload
  }
  async run() {
    process.on('warning', (warning) => this.warnings.push(warning.message))
    await null
    return { name: this.name, size: this.payload.lines.length }
  }
}

export async function load(count) {
  for (let n = 0; n < count; n++) {
    const lines = Array.from({ length: 20 }, (_, line) => ({ line, text: `line ${line} of ${n}` }))
    await new Job(`import-${n}`, { lines }).run()
  }
}
