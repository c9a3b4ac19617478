'use strict'
const Handlebars = require('handlebars')

const sources = {
  list: '<ul>{{#each items}}<li>{{name}}</li>{{/each}}</ul>',
  item: '<h1>{{name}}</h1>{{#if price}}<p>{{money price}}</p>{{/if}}',
  mail: 'Dear {{user.name}}, {{> footer}}',
  error: '<p class="error">{{message}}</p>',
}
const compiled = new Map()
Handlebars.registerHelper('money', (amount) => `${amount.toFixed(2)} €`)
Handlebars.registerPartial('footer', 'yours, {{from}}')

function render(name, data) {
  if (!compiled.has(name)) compiled.set(name, Handlebars.compile(sources[name]))
  return compiled.get(name)(data)
}

let n = 0
exports.load = async (count) => {
  const names = Object.keys(sources)
  for (let end = n + count; n < end; n++) {
    // The error page is needed late.
    const name = n < 200 ? names[n % 3] : names[n % 4]
    render(name, { items: [{ name: `a${n}` }], name: `n${n}`, price: n, user: { name: 'u' }, from: 'us', message: `${n}` })
  }
}
