'use strict'
function memoize(fn) {
  const known = new Map()
  return function (key) {
    if (!known.has(key)) known.set(key, fn(key))
    return known.get(key)
  }
}

const permissions = memoize((user) => ({ read: true, write: user.role === 'admin', scopes: [user.role, 'all'] }))

let id = 0
exports.load = async (count) => {
  for (let n = 0; n < count; n++) permissions({ id: id++, role: n % 9 ? 'guest' : 'admin' })
}
