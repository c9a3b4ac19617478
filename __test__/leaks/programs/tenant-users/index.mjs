import { find, remember } from './directory.mjs'

class User {
  constructor(id, tenant) {
    this.id = id
    this.mail = `${id}@${tenant}.example`
    this.groups = ['staff', `${tenant}-readers`]
    this.lastSeen = new Date()
  }
}

let next = 0
export async function load(visits) {
  for (let n = 0; n < visits; n++) {
    const tenant = ['acme', 'globex', 'initech'][n % 3]
    const user = new User(`u${next++}`, tenant)
    remember(tenant, user)
    find(tenant, user.id)
    await null
  }
}
