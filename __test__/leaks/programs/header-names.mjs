// Learns column names from the files that were uploaded.
class Importer {
  constructor() {
    this.headings = new Map()
  }
  add(file, text) {
    const heading = text.substring(0, text.indexOf('\n'))
    this.headings.set(file, heading)
    return text.length
  }
}

const importer = new Importer()
let uploads = 0

export async function load(count) {
  for (let n = 0; n < count; n++) {
    const lines = Array.from({ length: 100 }, (_, row) => `${row};name ${row};${row * uploads}`)
    const text = Buffer.from(`number;name of ${uploads};amount\n${lines.join('\n')}`).toString('latin1')
    importer.add(`upload-${uploads++}.csv`, text)
  }
}
