'use strict'
// Components of several copies of a library meet in one global table.
const TABLE = '__componentRegistry__'
global[TABLE] = global[TABLE] || { version: 1, components: {} }

function mount(name, props) {
  const component = { name, props, children: [], mountedAt: process.uptime() }
  global[TABLE].components[`${name}:${Math.random().toString(36).slice(2)}`] = component
  return component
}

exports.load = async (count) => {
  for (let n = 0; n < count; n++) {
    const row = mount('row', { index: n, style: { height: 20, top: n * 20 } })
    row.children.push(mount('cell', { text: `cell ${n}` }))
  }
}
