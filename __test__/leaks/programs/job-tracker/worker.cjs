'use strict'
const state = require('./state.cjs')

module.exports = async function perform(job) {
  state.running++
  try {
    job.result = await job.work()
  } finally {
    state.running--
    state.finishedJobs.push(job)
  }
}
