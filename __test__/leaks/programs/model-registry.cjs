'use strict'
// Models keep what they have loaded, by primary key.
class Model {
  static cache = new Map()

  static async load(id) {
    const key = `${this.name}:${id}`
    if (!Model.cache.has(key)) Model.cache.set(key, await new this(id).fetch())
    return Model.cache.get(key)
  }

  constructor(id) {
    this.id = id
    this.attributes = null
  }

  async fetch() {
    await null
    this.attributes = { id: this.id, createdAt: new Date(this.id), title: `title ${this.id}`, tags: ['a', 'b'] }
    return this
  }
}
class Article extends Model {}
class Comment extends Model {}

let id = 0
exports.load = async (count) => {
  for (let n = 0; n < count; n++) {
    id++
    await Article.load(id)
    await Comment.load(id)
  }
}
