// The answer in a sentence, for somebody who was woken up for it; then the figures behind it, and doubts.

import { h, sentence } from './dom.mjs'
import { basename, count, counted, ends, letter, percent, shown, size, sizeDelta } from './text.mjs'

const DOUBTS = new Map([
  [
    'different-process',
    'These snapshots are of different processes: the classes below are compared by counts, not object by object. Snapshots of one process, without a restart in between, tell more.',
  ],
  [
    'partly',
    'Not all object ids of these live snapshots compare: the classes below are compared object by object as far as they do, the rest by counts.',
  ],
  [
    'unstable',
    'Object ids of these snapshots do not compare: the classes below are compared by counts, not object by object. Snapshots taken in process, without numbering objects anew in between, tell more.',
  ],
])

/** What the whole heap weighs in each snapshot. */
export function heapBytes(leaks) {
  return leaks.growth?.bytes?.length ? leaks.growth.bytes : leaks.snapshots.map((snapshot) => snapshot.bytes)
}

/** Where a suspect lives, for a headline: the file of what holds it, or of what makes it. */
function fileOf(suspect) {
  const file = suspect.holder?.file ?? suspect.source?.file
  return file ? basename(file) : null
}

/** A figure that is not broken between lines. */
function whole(text) {
  return h('span', { class: 'figure' }, text)
}

function headline(suspect) {
  const counts = ends(suspect.counts)
  const file = fileOf(suspect)
  return h(
    'h1',
    { id: 'verdict-title' },
    h('code', {}, shown(suspect.owner, 80)),
    file && [' in ', h('span', { class: 'file' }, shown(file, 60))],
    ' grows: ',
    whole(`${count(counts.first)} → ${count(counts.last)}`),
    ` ${counts.last === 1 ? 'entry' : 'entries'}, `,
    whole(size(ends(suspect.retained_bytes).last)),
    ' retained',
  )
}

function figure(name, value, detail) {
  return h('div', {}, h('dt', {}, name), h('dd', {}, h('strong', {}, value), detail && h('span', {}, detail)))
}

export function verdict({ leaks }) {
  const [first, ...more] = leaks.suspects
  const bytes = heapBytes(leaks)
  const heap = ends(bytes)
  const steps = `${letter(0)} to ${letter(bytes.length - 1)}`
  const explained = leaks.growth?.explained_bytes ?? 0
  const notes = [DOUBTS.get(leaks.ids), ...(leaks.notes ?? [])].filter(Boolean)
  return h(
    'section',
    { class: 'verdict', id: 'verdict', 'aria-labelledby': 'verdict-title', tabindex: -1 },
    h('p', { class: first ? 'eyebrow' : 'eyebrow calm' }, first ? shown(first.name, 120) : 'No suspect'),
    first ? headline(first) : h('h1', { id: 'verdict-title' }, 'Nothing here grows without end'),
    first?.why && h('p', { class: 'lead' }, sentence(first.why, 600)),
    first &&
      h(
        'p',
        { class: 'then' },
        h('a', { href: '#suspect-1' }, 'What to do about it'),
        more.length > 0 && [' · ', h('a', { href: '#suspects' }, counted(more.length, 'more suspect'))],
      ),
    h(
      'dl',
      { class: 'figures' },
      figure('Heap', sizeDelta(heap.delta), [whole(size(heap.first)), ' → ', whole(size(heap.last))]),
      heap.delta > 0 && first && figure('Explained', percent(explained, heap.delta), `${size(explained)} of it`),
      figure('Suspects', count(leaks.suspects.length), leaks.suspects.length ? 'the largest first' : 'none'),
      figure('Snapshots', count(bytes.length), steps),
    ),
    notes.map((note) => h('p', { class: 'note' }, sentence(note, 600))),
  )
}
