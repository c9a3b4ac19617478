// Samples of microphones, in typed arrays.
export class Recorder {
  constructor(rate) {
    this.rate = rate
    this.takes = new Map()
  }
  record(name, seconds) {
    const samples = new Float32Array(this.rate * seconds)
    samples[0] = Math.random()
    this.takes.set(name, samples)
    return samples[0]
  }
}

const recorder = new Recorder(8000)
let take = 0

export async function load(count) {
  for (let n = 0; n < count; n++) {
    recorder.record(`take ${take++}`, 1)
    await null
  }
}
