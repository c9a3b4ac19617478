'use strict'
// Who did what, through one service object that everybody uses.
class AuditService {
  static get instance() {
    AuditService.singleton ??= new AuditService()
    return AuditService.singleton
  }

  constructor() {
    this.records = []
    this.sinks = [(record) => record.action.length]
  }

  record(actor, action, details) {
    const entry = { actor, action, details, at: new Date() }
    this.records.push(entry)
    for (const sink of this.sinks) sink(entry)
  }
}

exports.load = async (count) => {
  for (let n = 0; n < count; n++) {
    AuditService.instance.record({ id: n, ip: `10.0.0.${n % 255}` }, 'order.update', { order: n, before: { state: 'open' }, after: { state: 'paid' } })
    await null
  }
}
