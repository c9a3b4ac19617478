'use strict'
const { createHash } = require('node:crypto')
const { parentPort, workerData } = require('node:worker_threads')

parentPort.postMessage(workerData.map((text) => createHash('sha256').update(text).digest('hex')))
