#!/usr/bin/env node
'use strict'

// The command line. All of it is Rust; this hands the arguments over. The addon's signal handling
// belongs to index.js, which is not loaded here: this process is nobody's service.

try {
  process.exitCode = require('./load.js').runCli(process.argv.slice(2))
} catch (error) {
  console.error(error.message)
  process.exitCode = 2
}
