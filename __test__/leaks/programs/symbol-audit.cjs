'use strict'
const kTrail = Symbol('trail')

class Application {
  constructor() {
    this.name = 'billing'
    this[kTrail] = []
  }
  handle(request) {
    this[kTrail].push({ url: request.url, user: request.user, at: new Date(0) })
    return { status: 200 }
  }
}

const application = new Application()
let next = 0
exports.load = async (count) => {
  for (let n = 0; n < count; n++) application.handle({ url: `/invoice/${next++}`, user: { id: n } })
}
