'use strict'
// Metrics as DOM-style events.
class MetricEvent extends Event {
  constructor(name, value) {
    super('metric')
    this.name = name
    this.value = value
  }
}

class Telemetry extends EventTarget {
  record(name, value) {
    this.dispatchEvent(new MetricEvent(name, value))
  }
}

const telemetry = new Telemetry()

class Widget {
  #seen = []
  constructor(id) {
    this.id = id
    this.options = { colour: 'blue', width: id, labels: [`widget ${id}`, 'dashboard'] }
    telemetry.addEventListener('metric', this)
  }
  handleEvent(event) {
    if (event.name === this.id) this.#seen.push(event.value)
  }
  render() {
    return `<div>${this.options.labels.join(' ')}</div>`
  }
}

exports.load = async (count) => {
  for (let id = 0; id < count; id++) {
    new Widget(id).render()
    if (id % 50 === 0) telemetry.record(id, Math.random())
  }
}
