'use strict'
module.exports = require('./bundle.cjs')
