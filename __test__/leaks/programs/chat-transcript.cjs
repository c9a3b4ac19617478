'use strict'
// A chat room which can print what has been said.
class Room {
  constructor(name) {
    this.name = name
    this.transcript = ''
    this.members = 0
  }

  say(who, text) {
    this.transcript += `[${new Date().toISOString()}] <${who}> ${text}\n`
  }
}

const lobby = new Room('lobby')

exports.load = async (count) => {
  for (let n = 0; n < count; n++) {
    lobby.say(`guest${n}`, `what about number ${n}, and `.repeat(10))
    await null
  }
}
