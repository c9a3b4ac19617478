// Thumbnails are made with as many hands as the machine allows, one picture an hour on this one.
import PQueue from 'p-queue'

const thumbnails = new PQueue({ concurrency: 1, interval: 3_600_000, intervalCap: 1 })

class Picture {
  constructor(name) {
    this.name = name
    this.exif = { camera: 'x100', taken: new Date(), tags: [name, 'holiday'] }
  }
  async resize(width) {
    return { name: this.name, width }
  }
}

export async function load(count) {
  for (let n = 0; n < count; n++) {
    const picture = new Picture(`p${n}.jpg`)
    thumbnails.add(() => picture.resize(200))
    await null
  }
}
