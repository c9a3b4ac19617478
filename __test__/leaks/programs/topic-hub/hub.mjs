export class Hub {
  constructor() {
    this.topics = { news: [], sport: [], weather: [] }
  }

  subscribe(topic, subscriber) {
    this.topics[topic].push(subscriber)
    return () => {
      this.topics[topic] = this.topics[topic].filter((other) => other !== subscriber)
    }
  }

  publish(topic, message) {
    for (const subscriber of this.topics[topic]) subscriber(message)
  }
}

export const hub = new Hub()
