'use strict'
// Outgoing mail, a linked list. The transport takes one mail a minute.
class Node {
  constructor(value) {
    this.value = value
    this.next = null
  }
}

class LinkedQueue {
  constructor() {
    this.head = null
    this.tail = null
    this.length = 0
  }

  enqueue(value) {
    const node = new Node(value)
    if (this.tail) this.tail.next = node
    else this.head = node
    this.tail = node
    this.length++
  }

  dequeue() {
    const node = this.head
    if (!node) return undefined
    this.head = node.next
    this.length--
    return node.value
  }
}

const outbox = new LinkedQueue()
setInterval(() => outbox.dequeue(), 60_000).unref()

class Mail {
  constructor(to, subject) {
    this.to = to
    this.subject = subject
    this.headers = { 'message-id': `<${Math.random()}@example>`, date: new Date() }
    this.body = subject.padEnd(200, '.')
  }
}

exports.load = async (count) => {
  for (let n = 0; n < count; n++) {
    outbox.enqueue(new Mail(`user${n}@example.org`, `Your order ${n}`))
    await null
  }
}
