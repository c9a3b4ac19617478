'use strict'

class Page {
  constructor(url) {
    this.url = url
    this.html = `<h1>${url}</h1>`
  }
}

const pages = new Map()
const BOUND = 100

function render(url) {
  const page = pages.get(url) ?? new Page(url)
  pages.set(url, page)
  return page
}

let next = 0
exports.leaking = {
  owner: /^pages$/,
  load(n) {
    for (let i = 0; i < n; i++) render(`/article/${next++}`)
  },
}

exports.steady = {
  load(n) {
    for (let i = 0; i < n; i++) {
      render(`/article/${next++}`)
      if (pages.size > BOUND) pages.delete(pages.keys().next().value)
    }
  },
}
