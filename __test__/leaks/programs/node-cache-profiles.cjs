'use strict'
const NodeCache = require('node-cache')

const profiles = new NodeCache({ useClones: false, checkperiod: 0 })

async function profile(id) {
  const known = profiles.get(id)
  if (known) return known
  await null
  const loaded = { id, name: `Person ${id}`, followers: Array.from({ length: 10 }, (_, n) => `p${id}-${n}`) }
  profiles.set(id, loaded)
  return loaded
}

let visitor = 0
exports.load = async (count) => {
  for (let n = 0; n < count; n++) await profile(`visitor-${visitor++}`)
}
