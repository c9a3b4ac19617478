'use strict'
// Formats are loaded when a document of that format comes first.
const names = ['csv', 'json', 'xml', 'yaml']
let seen = 0

function formatter(name) {
  return require(`./${name}.cjs`)
}

exports.load = async (count) => {
  for (let n = 0; n < count; n++) {
    seen++
    // The rare ones come late.
    const name = names[Math.min(names.length - 1, Math.floor(seen / 110))]
    formatter(name).format({ n, text: `document ${n}` })
  }
}
