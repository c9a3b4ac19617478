'use strict'
let buffered = new Set()
let flushed = 0

function record(event) {
  buffered.add(event)
  if (buffered.size < 20) return
  const batch = buffered
  buffered = new Set()
  flushed += batch.size
}

exports.load = async (count) => {
  for (let n = 0; n < count; n++) record({ n, name: `event ${n}` })
}
