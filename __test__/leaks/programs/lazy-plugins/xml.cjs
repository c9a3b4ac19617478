'use strict'
const table = Array.from({ length: 100 }, (_, n) => ({ n, mark: 'xml', escape: String.fromCharCode(32 + n) }))
exports.name = 'xml'
exports.format = (value) => `xml:${JSON.stringify(value)}${table[value.n % 100].escape}`
