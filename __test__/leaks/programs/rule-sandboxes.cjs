'use strict'
// Customers' pricing rules, each in a context of its own.
const vm = require('node:vm')

class RuleEngine {
  constructor() {
    this.sandboxes = new Map()
  }

  evaluate(customer, source, order) {
    let sandbox = this.sandboxes.get(customer)
    if (!sandbox) {
      sandbox = vm.createContext({ discount: 0, log: [] })
      this.sandboxes.set(customer, sandbox)
    }
    sandbox.order = order
    return vm.runInContext(source, sandbox, { filename: 'rule.js' })
  }
}

const engine = new RuleEngine()
let customer = 0

exports.load = async (count) => {
  // A new customer comes with every tenth order.
  for (let n = 0; n < count; n++) {
    const id = n % 10 === 0 ? `customer-${customer++}` : 'customer-0'
    engine.evaluate(id, 'discount = order.total > 50 ? 5 : 0; discount', { total: n })
  }
}
