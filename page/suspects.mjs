// The suspects: a line each, and behind it why, what to do, the lines of code and the path that keeps it alive.

import { line } from 'd3-shape'
import { h, section, sentence, svg } from './dom.mjs'
import { frame } from './frames.mjs'
import { linear } from './linear.mjs'
import { path } from './path.mjs'
import { table } from './table.mjs'
import { count, countDelta, ends, letter, place, shown, size, sizeDelta, visible } from './text.mjs'

const SPARK = { width: 72, height: 26, pad: 4 }

/** Counts over the snapshots; the figures stand beside it. */
function spark(counts) {
  const { width, height, pad } = SPARK
  const x = linear([0, Math.max(1, counts.length - 1)], [pad, width - pad])
  const y = linear([0, Math.max(1, ...counts)], [height - pad, pad])
  const points = counts.map((value, at) => [x(at), y(value)])
  return svg(
    'svg',
    { class: 'spark', width, height, 'aria-hidden': 'true' },
    svg('path', { d: line()(points) }),
    points.map(([cx, cy]) => svg('circle', { cx, cy, r: 2.2 })),
  )
}

/** What one would paste into the incident's channel. */
function asText(suspect) {
  const counts = suspect.counts.map(count).join(' -> ')
  const lines = [
    `${visible(suspect.owner)}: ${visible(suspect.name)}`,
    `${counts} entries, ${size(ends(suspect.retained_bytes).last)} retained`,
    suspect.source && `made at ${place(suspect.source, 500)}`,
    suspect.holder && `held at ${place(suspect.holder, 500)}`,
    suspect.why && visible(suspect.why),
    suspect.advice && visible(suspect.advice),
    ...(suspect.path ?? []).map((one) => `  ${shown(one.edge, 200)} ${shown(one.node || one.class, 200)} @${one.id}`),
  ]
  return `${lines.filter(Boolean).join('\n')}\n`
}

function copyButton(suspect) {
  if (!navigator.clipboard) return null
  const status = h('span', { role: 'status' })
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(asText(suspect))
      status.textContent = 'Copied'
    } catch {
      status.textContent = 'The browser does not allow it'
    }
  }
  return h('p', { class: 'copy' }, h('button', { type: 'button', onclick: copy }, 'Copy as text'), ' ', status)
}

function where(name, source) {
  if (!source) return null
  const inside = source.function && h('span', {}, ` in ${shown(source.function, 80)}`)
  const ran = source.generated && h('span', {}, `, which ran as ${place(source.generated)}`)
  return [h('dt', {}, name), h('dd', {}, h('code', {}, place(source)), inside, ran)]
}

function facts(suspect) {
  const keys = suspect.sample_keys ?? []
  return h(
    'dl',
    { class: 'facts' },
    where('Made at', suspect.source),
    where('Held by', suspect.holder),
    suspect.grows?.class && [h('dt', {}, 'What piles up'), h('dd', {}, h('code', {}, shown(suspect.grows.class)))],
    keys.length > 0 && [
      h('dt', {}, 'Sample keys'),
      h(
        'dd',
        {},
        keys.slice(0, 5).map((key) => [h('code', { class: 'key' }, shown(key, 60)), ' ']),
      ),
    ],
    suspect.samples?.length > 0 && [
      h('dt', {}, 'Sample objects'),
      h(
        'dd',
        {},
        suspect.samples
          .slice(0, 5)
          .map((id) => `@${id}`)
          .join(', '),
      ),
    ],
  )
}

function steps(suspect) {
  const letters = suspect.counts.map((_, at) => letter(at))
  const same = String(suspect.grows?.counts) === String(suspect.counts)
  const grows = same ? null : suspect.grows?.counts
  return table(
    `${shown(suspect.owner, 60)} by snapshot`,
    ['', ...letters, 'Growth'],
    [
      ['Entries', ...suspect.counts.map(count), countDelta(ends(suspect.counts).delta)],
      grows?.length > 0 && [shown(suspect.grows.class, 40), ...grows.map(count), countDelta(ends(grows).delta)],
      ['Retained', ...suspect.retained_bytes.map(size), sizeDelta(ends(suspect.retained_bytes).delta)],
    ].filter(Boolean),
  )
}

function block(title, ...children) {
  return h('div', { class: 'block' }, h('h4', {}, title), ...children)
}

function card(suspect, at) {
  const counts = ends(suspect.counts)
  const summary = h(
    'summary',
    {},
    h(
      'span',
      { class: `rank tone-${at < 5 ? at + 1 : 0}` },
      h('span', { class: 'hidden' }, 'Suspect '),
      suspect.rank ?? at + 1,
    ),
    h(
      'span',
      { class: 'what' },
      h('h3', {}, h('code', {}, shown(suspect.owner, 140))),
      h('span', { class: 'cause' }, shown(suspect.name, 100)),
    ),
    spark(suspect.counts),
    h(
      'span',
      { class: 'numbers' },
      h('strong', {}, size(ends(suspect.retained_bytes).last)),
      h('span', {}, `${count(counts.first)} → ${count(counts.last)}`),
    ),
  )
  const frames = suspect.frames ?? []
  return h(
    'li',
    { id: `suspect-${at + 1}` },
    h(
      'details',
      { open: at === 0 },
      summary,
      h(
        'div',
        { class: 'body' },
        h(
          'div',
          { class: 'story' },
          suspect.why && block('Why', h('p', {}, sentence(suspect.why))),
          suspect.advice && block('What to do', h('p', { class: 'advice' }, sentence(suspect.advice))),
          facts(suspect),
        ),
        h(
          'div',
          { class: 'evidence' },
          steps(suspect),
          frames.map((one) => frame(one, suspect[one.of])),
        ),
        suspect.path?.length > 0 &&
          h('div', { class: 'block wide' }, h('h4', {}, 'What keeps it alive, from a root down'), path(suspect.path)),
        copyButton(suspect),
      ),
    ),
  )
}

export function suspects({ leaks }) {
  if (leaks.suspects.length === 0) return null
  const list = h('ol', { class: 'suspects' }, leaks.suspects.map(card))
  // A link to a suspect opens it.
  const open = () => {
    const details = document.querySelector('.suspects > li:target > details')
    if (details) details.open = true
  }
  addEventListener('hashchange', open)
  queueMicrotask(open)
  return section('suspects', 'Suspects', list)
}
