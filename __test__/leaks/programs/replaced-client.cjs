'use strict'
// Swaps the connection to a feed at every reconnect.
let feed = null

function reconnect(generation) {
  const previous = feed
  const handover = () => {
    if (previous) return previous.generation
    return 0
  }
  feed = {
    generation,
    backlog: new Array(200).fill(generation),
    describe() {
      return `feed ${generation}`
    },
  }
  if (generation < 0) handover()
}

let generation = 0
exports.load = async (count) => {
  for (let n = 0; n < count; n++) {
    reconnect(++generation)
    await null
  }
  return feed.describe()
}
