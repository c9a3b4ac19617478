// The line itself, with its neighbours, as it was read when the report was made.

import { h } from './dom.mjs'
import { code, place, shown } from './text.mjs'

const ROLES = new Map([
  ['source', 'Made here'],
  ['holder', 'Held here'],
])

function lines({ line, column, first_line: first, lines }) {
  const digits = String(first + lines.length).length
  return lines.flatMap((text, at) => {
    const number = first + at
    const here = number === line
    const row = h(
      'span',
      { class: here ? 'line here' : 'line' },
      h('span', { class: 'number' }, `${here ? '▸' : ' '} ${String(number).padStart(digits)}  `),
      `${code(text)}\n`,
    )
    if (!here || !(column > 0) || column > 200) return row
    const before = code(String(text).slice(0, column - 1)).length
    const caret = `${' '.repeat(digits + 4 + before)}^\n`
    return [row, h('span', { class: 'line here caret', 'aria-hidden': 'true' }, caret)]
  })
}

export function frame(one, where) {
  const title = `${ROLES.get(one.of) ?? 'Source'}: ${place(one)}`
  const name = where?.function ? h('span', {}, `in ${shown(where.function, 80)}`) : null
  return h(
    'figure',
    { class: 'frame' },
    h('figcaption', {}, h('span', {}, ROLES.get(one.of) ?? 'Source'), h('code', {}, place(one)), name),
    h('pre', { tabindex: 0, role: 'region', 'aria-label': title }, h('code', {}, lines(one))),
    one.warning && h('p', { class: 'note' }, shown(one.warning, 300)),
  )
}
