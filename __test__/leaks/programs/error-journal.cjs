'use strict'
// The last errors, for the status page. (Which shows ten.)
class Journal {
  static #errors = []

  static add(error, context) {
    Journal.#errors.push({ error, context, at: Date.now() })
  }

  static get latest() {
    return Journal.#errors.slice(-10).map(({ error }) => error.message)
  }
}

class ValidationError extends Error {
  constructor(field, value) {
    super(`${field} must not be ${value}`)
    this.field = field
    this.value = value
  }
}

exports.load = async (count) => {
  for (let n = 0; n < count; n++) {
    try {
      if (n >= 0) throw new ValidationError('age', -n)
    } catch (error) {
      Journal.add(error, { input: { age: -n, name: `n${n}` } })
    }
  }
  return Journal.latest
}
