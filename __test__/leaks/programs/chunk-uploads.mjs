// Parts of uploads, until the last one has come. Some clients come back later, under another number.
const uploads = {}

function receive(upload, index, total, text) {
  const parts = (uploads[upload] ??= { parts: [], received: 0, total })
  parts.parts[index] = text
  parts.received++
  if (parts.received < total) return undefined
  delete uploads[upload]
  return parts.parts.join('')
}

let number = 0
export async function load(count) {
  for (let n = 0; n < count; n++) {
    const upload = `u${number++}`
    const parts = n % 4 === 0 ? 3 : 4
    for (let index = 0; index < parts; index++) receive(upload, index, 4, `part ${index} of ${upload} `.repeat(4))
    await null
  }
}
