'use strict'
process.setMaxListeners(0)

class Upload {
  constructor(name) {
    this.name = name
    this.parts = [`${name}.part1`, `${name}.part2`]
    process.on('exit', () => this.discard())
  }
  discard() {
    this.parts.length = 0
  }
}

let next = 0
exports.load = async (count) => {
  for (let n = 0; n < count; n++) {
    const upload = new Upload(`upload-${next++}`)
    upload.parts.push('done')
  }
}
