'use strict'
const table = Array.from({ length: 100 }, (_, n) => ({ n, mark: 'yaml', escape: String.fromCharCode(32 + n) }))
exports.name = 'yaml'
exports.format = (value) => `yaml:${JSON.stringify(value)}${table[value.n % 100].escape}`
