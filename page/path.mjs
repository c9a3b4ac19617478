// A retainer path: from a root down to one of the leaking objects.

import { h } from './dom.mjs'
import { place, shown } from './text.mjs'

/** Longer paths show their ends; the middle opens. */
const WHOLE = 14
const HEAD = 4
const TAIL = 7

function step({ edge, node, class: name, id, script }, last) {
  // A name mostly begins with its class.
  const type = name && !String(node).includes(name) ? ` ${shown(name, 60)}` : ''
  return h(
    'li',
    { class: last ? 'last' : null },
    edge && h('code', { class: 'edge' }, shown(edge, 100)),
    ' ',
    h('code', { class: 'node' }, shown(node || name || '(no name)', 120)),
    type && h('span', { class: 'class' }, type),
    id !== undefined && id !== null && h('span', { class: 'id' }, ` @${id}`),
    script && h('span', { class: 'source' }, ` ${place(script, 60)}`),
    last && h('span', { class: 'which' }, ' one of what leaks'),
  )
}

export function path(steps) {
  const items = steps.map((one, at) => step(one, at === steps.length - 1))
  if (items.length > WHOLE) {
    const middle = items.splice(HEAD, items.length - HEAD - TAIL)
    const button = h('button', { type: 'button', class: 'quiet' }, `Show ${middle.length} steps in between`)
    const stub = h('li', { class: 'stub' }, button)
    button.addEventListener('click', () => {
      stub.replaceWith(...middle)
      middle[0].tabIndex = -1
      middle[0].focus()
    })
    items.splice(HEAD, 0, stub)
  }
  return h('ol', { class: 'path' }, items)
}
