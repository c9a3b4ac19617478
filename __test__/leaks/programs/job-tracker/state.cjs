'use strict'
exports.startedAt = Date.now()
exports.finishedJobs = []
exports.running = 0
