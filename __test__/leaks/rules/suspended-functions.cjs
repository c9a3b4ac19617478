'use strict'

class Upload {
  constructor(id) {
    this.id = id
    this.parts = [`part of ${id}`]
  }
}

const approvals = []

function approval() {
  return new Promise((resolve) => approvals.push(resolve))
}

async function receive(upload) {
  const receipt = await approval()
  return [upload.id, receipt]
}

exports.leaking = {
  owner: /^approvals$/,
  load(n) {
    for (let i = 0; i < n; i++) receive(new Upload(i))
  },
}

exports.steady = {
  async load(n) {
    for (let i = 0; i < n; i++) {
      const received = receive(new Upload(i))
      approvals.pop()(i)
      await received
    }
  },
}
