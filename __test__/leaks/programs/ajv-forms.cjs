'use strict'
// Checks what users fill into forms that other users have designed.
const Ajv = require('ajv')

const ajv = new Ajv()

function validateForm(form, answers) {
  const schema = {
    type: 'object',
    properties: Object.fromEntries(form.fields.map((field) => [field, { type: 'string', maxLength: 50 }])),
    required: form.fields.slice(0, 1),
  }
  return ajv.validate(schema, answers)
}

exports.load = async (count) => {
  // Half of what is asked comes in batches, where the form is known to be good.
  for (let n = 0; n < count; n += 4) {
    const form = { fields: ['name', 'city'] }
    validateForm(form, { name: `n${n}`, city: 'Ghent' })
    await null
  }
}
