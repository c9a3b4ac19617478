'use strict'

const vm = require('node:vm')

const sandboxes = []

function evaluate(code, values) {
  const sandbox = vm.createContext(values)
  return { sandbox, result: vm.runInContext(code, sandbox) }
}

exports.step = 15

exports.leaking = {
  owner: /^sandboxes$/,
  load(n) {
    for (let i = 0; i < n; i++) sandboxes.push(evaluate('x + 1', { x: i }))
  },
}

exports.steady = {
  load(n) {
    for (let i = 0; i < n; i++) sandboxes[0] = evaluate('x + 1', { x: i })
  },
}
