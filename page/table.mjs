// A plain table: the first column names the rows, the others are figures.

import { h } from './dom.mjs'

/** `rows` are lists of text; the table scrolls sideways on its own where the page is narrow. */
export function table(caption, columns, rows) {
  return h(
    'div',
    { class: 'scroll', role: 'region', tabindex: 0, 'aria-label': caption },
    h(
      'table',
      {},
      h('caption', { class: 'hidden' }, caption),
      h(
        'thead',
        {},
        h(
          'tr',
          {},
          columns.map((column) => (column === '' ? h('td') : h('th', { scope: 'col' }, column))),
        ),
      ),
      h(
        'tbody',
        {},
        rows.map(([name, ...cells]) =>
          h(
            'tr',
            {},
            h('th', { scope: 'row' }, name),
            cells.map((cell) => h('td', {}, cell)),
          ),
        ),
      ),
    ),
  )
}
