#!/usr/bin/env node
'use strict'

// The command line. All of it is Rust; this hands the arguments over. The addon's signal handling
// belongs to index.js, which is not loaded here: this process is nobody's service. But `doctor` looks
// at what a service that loads it would get.

const args = process.argv.slice(2)
// The first word that is neither an option nor an option's value.
const command = args.find((word, at) => !word.startsWith('-') && args[at - 1] !== '--color')
// `run` hands the channel to a parent on, which Node has taken out of the environment.
if (process.channel) process.env.NODE_CHANNEL_FD = String(process.channel.fd)
try {
  if (command === 'doctor') require('./index.js')
  process.exitCode = require('./load.js').runCli(args, __dirname)
} catch (error) {
  console.error(error.message)
  process.exitCode = 2
}
