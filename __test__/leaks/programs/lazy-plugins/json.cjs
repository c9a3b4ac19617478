'use strict'
const table = Array.from({ length: 100 }, (_, n) => ({ n, mark: 'json', escape: String.fromCharCode(32 + n) }))
exports.name = 'json'
exports.format = (value) => `json:${JSON.stringify(value)}${table[value.n % 100].escape}`
