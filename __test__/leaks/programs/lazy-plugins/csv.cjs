'use strict'
const table = Array.from({ length: 100 }, (_, n) => ({ n, mark: 'csv', escape: String.fromCharCode(32 + n) }))
exports.name = 'csv'
exports.format = (value) => `csv:${JSON.stringify(value)}${table[value.n % 100].escape}`
