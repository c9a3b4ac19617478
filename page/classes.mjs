// DevTools' Comparison: classes with what came and went, sorted by any column, searched by name or place.

import { h, section } from './dom.mjs'
import { count, countDelta, counted, letter, place, shown, size, sizeDelta } from './text.mjs'

/** Rows at a time: a page with thousands would be slow to open and no easier to read. */
const ROWS = 50
const COLLATOR = new Intl.Collator('en')

function columnsOf(steps) {
  return [
    { title: 'Constructor', value: (row) => row.name },
    { title: 'Size Δ', says: 'Size delta', value: (row) => row.delta_bytes, text: sizeDelta, delta: true },
    { title: '# Δ', says: 'Number delta', value: (row) => row.delta, text: countDelta, delta: true },
    ...(steps > 2
      ? Array.from({ length: steps }, (_, at) => ({
          title: `# ${letter(at)}`,
          says: `Number in ${letter(at)}`,
          value: (row) => row.counts?.[at] ?? 0,
          text: count,
        }))
      : []),
    { title: '# New', says: 'Number of new ones', value: (row) => row.added, text: count },
    { title: '# Deleted', says: 'Number of deleted ones', value: (row) => row.removed, text: count },
    { title: 'New size', value: (row) => row.added_bytes, text: size },
    { title: 'Deleted size', value: (row) => row.removed_bytes, text: size },
  ]
}

const steady = ({ counts }) => counts?.length > 1 && counts.every((now, at) => at === 0 || now > counts[at - 1])

function rowOf(row, columns) {
  return h(
    'tr',
    {},
    h(
      'th',
      { scope: 'row' },
      h('code', {}, shown(row.name)),
      row.script && h('span', { class: 'place' }, place(row.script, 60)),
    ),
    columns.slice(1).map(({ value, text, delta }) => {
      const number = value(row)
      const sign = delta && number !== 0 ? (number > 0 ? 'up' : 'down') : null
      return h('td', { class: sign }, text(number))
    }),
  )
}

export function classes({ diff }) {
  const all = diff?.classes ?? []
  if (all.length === 0) return null
  const columns = columnsOf(diff.snapshots?.length ?? all[0].counts?.length ?? 2)
  const total = diff.totals?.classes ?? all.length
  const texts = new Map(all.map((row) => [row, `${row.name}\n${row.script?.file ?? ''}`.toLowerCase()]))
  let sorted = { column: 1, down: true }
  let most = ROWS

  const search = h('input', { type: 'search', id: 'class-search', autocomplete: 'off', spellcheck: 'false' })
  const steadily = h('input', { type: 'checkbox' })
  const status = h('p', { class: 'status', role: 'status' })
  const body = h('tbody')
  const more = h('button', { type: 'button' })

  const heads = columns.map(({ title, says }, at) => {
    const button = h(
      'button',
      {
        type: 'button',
        onclick: () => {
          // Figures begin with the greatest, names with a.
          sorted = { column: at, down: sorted.column === at ? !sorted.down : at > 0 }
          draw()
        },
      },
      says ? [h('span', { 'aria-hidden': 'true' }, title), h('span', { class: 'hidden' }, says)] : title,
    )
    return h('th', { scope: 'col' }, button)
  })

  function matching() {
    const wanted = search.value.trim().toLowerCase()
    const { column, down } = sorted
    const { value } = columns[column]
    const order = column === 0 ? (a, b) => COLLATOR.compare(a.name, b.name) : (a, b) => value(a) - value(b)
    return all
      .filter((row) => texts.get(row).includes(wanted) && (!steadily.checked || steady(row)))
      .sort((a, b) => (down ? -order(a, b) : order(a, b)))
  }

  function draw() {
    const found = matching()
    body.replaceChildren(...found.slice(0, most).map((row) => rowOf(row, columns)))
    heads.forEach((head, at) => {
      if (at === sorted.column) head.setAttribute('aria-sort', sorted.down ? 'descending' : 'ascending')
      else head.removeAttribute('aria-sort')
    })
    const bound = total > all.length ? `, of the first ${count(all.length)} of ${count(total)} by growth` : ''
    status.textContent = `${count(Math.min(most, found.length))} of ${counted(found.length, 'class', 'classes')}${bound}`
    more.hidden = found.length <= most
    more.textContent = `Show ${count(Math.min(4 * ROWS, found.length - most))} more`
  }
  const again = () => {
    most = ROWS
    draw()
  }
  search.addEventListener('input', again)
  steadily.addEventListener('change', again)
  more.addEventListener('click', () => {
    const first = most
    most += 4 * ROWS
    draw()
    // The button may be gone: go on where the new rows begin.
    const row = body.rows[first]?.cells[0]
    if (row) {
      row.tabIndex = -1
      row.focus()
    }
  })
  draw()

  const part = section(
    'classes',
    'Classes, compared',
    h(
      'div',
      { class: 'tools' },
      h('label', { for: 'class-search' }, 'Search name or file'),
      search,
      h('label', { class: 'check' }, steadily, ' grew at every step'),
    ),
    status,
    h(
      'div',
      { class: 'scroll classes', role: 'region', tabindex: 0, 'aria-label': 'Table of classes' },
      h(
        'table',
        {},
        h('caption', { class: 'hidden' }, 'Classes with what came and went; the buttons in the head sort'),
        h('thead', {}, h('tr', {}, heads)),
        body,
      ),
    ),
    more,
  )
  part.dataset.short = 'Classes'
  return part
}
