'use strict'
// Equal tags share one object. There are 64 tags.
const interned = Object.create(null)

function tag(name) {
  interned[name] ??= { name, hash: [...name].reduce((sum, c) => (sum * 31 + c.charCodeAt(0)) | 0, 7), uses: 0 }
  interned[name].uses++
  return interned[name]
}

let n = 0
exports.load = async (count) => {
  const articles = []
  for (let end = n + count; n < end; n++) {
    articles.push({ n, tags: [tag(`tag-${n % 64}`), tag(`tag-${(n * 7) % 64}`)] })
  }
  return articles.length
}
