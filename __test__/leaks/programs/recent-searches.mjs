class Searches {
  #recent = []

  add(query) {
    this.#recent.unshift({ query, results: [{ title: query }, { title: `${query}!` }] })
    this.#recent.splice(80)
  }
}

const searches = new Searches()
let next = 0
export async function load(count) {
  for (let n = 0; n < count; n++) searches.add(`query ${next++}`)
}
