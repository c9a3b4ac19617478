'use strict'

class Session {
  constructor(id) {
    this.id = id
    this.beats = []
  }
}

const started = []

function keepAlive(session) {
  const timer = setInterval(() => session.beats.push(1) > 3 && session.beats.pop(), 60_000)
  timer.unref()
  return timer
}

exports.leaking = {
  owner: /setInterval|timer/i,
  load(n) {
    for (let i = 0; i < n; i++) keepAlive(new Session(i))
  },
}

exports.steady = {
  load(n) {
    for (let i = 0; i < n; i++) started.push(keepAlive(new Session(i)))
    for (const timer of started.splice(0)) clearInterval(timer)
  },
}
