// What the page was made from, what its figures mean, and by what it was made.

import { h, section } from './dom.mjs'
import { table } from './table.mjs'
import { count, letter, shown, size } from './text.mjs'

export function footer({ leaks, generated_by: by }) {
  return h(
    'div',
    {},
    section(
      'snapshots',
      'Snapshots',
      table(
        'The snapshots',
        ['', 'Heap', 'Nodes', 'Edges', 'File'],
        leaks.snapshots.map((one, at) => [
          letter(at),
          size(one.bytes),
          count(one.nodes),
          count(one.edges),
          h('code', {}, shown(one.file, 200)),
        ]),
      ),
    ),
    h(
      'p',
      { class: 'small' },
      'Shallow size is what an object takes itself; retained size is what would be freed with it. ',
      'An entry is an element, a key, a listener or a link of what is named. Sizes count 1,024 bytes to a KiB.',
    ),
    h(
      'p',
      { class: 'small' },
      `Made by ${shown(by || 'rs-heapdump', 60)}. This file loads nothing and sends nothing. `,
      'It can hold names and keys from the process: pass it on with the care of a snapshot.',
    ),
  )
}
