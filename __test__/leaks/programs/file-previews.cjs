'use strict'
const previews = []

function preview(content) {
  return content.subarray(0, 32)
}

exports.load = async (count) => {
  for (let n = 0; n < count; n++) previews.push(preview(Buffer.alloc(64 * 1024, n % 250)))
}
