'use strict'
// Remembers the results of a function: the first 120 of them, then none.
function memoize(compute, max) {
  const results = {}
  let size = 0
  return (key) => {
    if (key in results) return results[key]
    const result = compute(key)
    if (size < max) {
      size++
      results[key] = result
    }
    return result
  }
}

const describe = memoize((key) => ({ key, words: key.split('-'), upper: key.toUpperCase() }), 120)

let n = 0
exports.load = async (count) => {
  for (let end = n + count; n < end; n++) describe(`some-key-${n}`)
}
