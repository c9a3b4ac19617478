'use strict'
const users = require('./repository.cjs')

exports.load = async (count) => {
  for (let id = 0; id < count; id++) {
    await users.findUser(id)
    await users.findOrders(id)
  }
}
