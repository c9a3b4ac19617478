'use strict'
// Notes about objects, kept beside them.
const notes = new WeakMap()

function annotate(target, note) {
  let list = notes.get(target)
  if (!list) {
    list = []
    notes.set(target, list)
  }
  list.push(note)
}

class Application {
  constructor(name) {
    this.name = name
  }
  deploy(revision) {
    annotate(this, { revision, target: this, at: new Date(), changes: [`change ${revision}`, `fix ${revision}`] })
    annotate({ revision }, { temporary: true })
  }
}

const application = new Application('shop')

exports.load = async (count) => {
  for (let revision = 0; revision < count; revision++) application.deploy(revision)
}
