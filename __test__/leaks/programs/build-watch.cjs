'use strict'
// Watches builds: asks for the state of each, every ten minutes.
class Build {
  constructor(number) {
    this.number = number
    this.steps = ['checkout', 'install', 'test'].map((name) => ({ name, log: `${name} of build ${number}` }))
    this.state = 'queued'
  }
  advance() {
    this.state = this.state === 'queued' ? 'running' : 'finished'
  }
}

function watch(build, onChange) {
  let last = build.state
  setInterval(() => {
    if (build.state !== last) onChange(build.state)
    last = build.state
  }, 600_000)
}

exports.load = async (count) => {
  for (let number = 0; number < count; number++) {
    const build = new Build(number)
    watch(build, (state) => build.steps.push({ name: state, log: '' }))
    build.advance()
    build.advance()
    await null
  }
}
