'use strict'

const translations = {}
let next = 0

function translate(text) {
  translations[text] ??= { text, words: text.split(' ') }
  return translations[text]
}

exports.leaking = {
  owner: /^translations$/,
  load(n) {
    for (let i = 0; i < n; i++) translate(`hello number ${next++}`)
  },
}

exports.steady = {
  load(n) {
    for (let i = 0; i < n; i++) translate(`hello number ${i % 40}`)
  },
}
