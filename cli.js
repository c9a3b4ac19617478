#!/usr/bin/env node
'use strict'

// The command line. All of it is Rust; this hands the arguments over. The addon's signal handling
// belongs to index.js, which is not loaded here: this process is nobody's service. But `doctor` looks
// at what a service that loads it would get.

const native = require('./binding.js')

const args = process.argv.slice(2)
if (args.includes('doctor')) require('./index.js')
process.exitCode = native.runCli(args, __dirname)
