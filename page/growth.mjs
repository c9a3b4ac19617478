// Growth over the snapshots: a column each, what the suspects retain on top of the rest of the heap, and ribbons
// from column to column. Laid out by d3-shape (stack, area) and d3-array (ticks): a handful of points needs
// neither canvas nor a chart framework, and SVG prints, scales and has names that can be read out.

import { nice, ticks as ticksOf } from 'd3-array'
import { area, curveBumpX, stack, stackOffsetDiverging } from 'd3-shape'
import { h, section, svg } from './dom.mjs'
import { linear } from './linear.mjs'
import { table } from './table.mjs'
import { basename, ends, letter, shown, size, sizeDelta, unit, unitName } from './text.mjs'
import { heapBytes } from './verdict.mjs'

/** More than this, and the chart is a paint box. */
const MOST_SERIES = 5
const HEIGHT = 300
const MARGIN = { top: 30, right: 4, bottom: 26, left: 56 }
/** The room that a label takes. */
const LABEL = 78
/** Below this share of the heap, growth is shown without the rest, which would dwarf it. */
const DWARFED = 0.3

/** The suspects' bytes by snapshot, then the rest of the heap; nothing is counted twice. */
function seriesOf(leaks) {
  const totals = heapBytes(leaks)
  const left = [...totals]
  const series = leaks.suspects.slice(0, MOST_SERIES).map((suspect, at) => ({
    name: shown(suspect.owner, 60),
    mark: String(suspect.rank ?? at + 1),
    tone: at + 1,
    exact: totals.map((_, step) => suspect.retained_bytes?.[step] ?? 0),
    bytes: totals.map((_, step) => {
      const part = Math.max(0, Math.min(suspect.retained_bytes?.[step] ?? 0, left[step]))
      left[step] -= part
      return part
    }),
  }))
  const rest = series.length ? 'everything else' : 'the heap'
  return [...series, { name: rest, mark: '', tone: 0, exact: left, bytes: left }]
}

function plot(series, totals, files, growthOnly, width) {
  const from = (one, step) => one.bytes[step] - (growthOnly ? one.bytes[0] : 0)
  // The rest lies below, the first suspect on top.
  const order = series.map((_, at) => series.length - 1 - at)
  const layers = stack()
    .keys(order)
    .value((step, at) => from(series[at], step))
    .offset(stackOffsetDiverging)([...totals.keys()])
  const flat = layers.flat(2)
  const power = unit(Math.max(...flat.map(Math.abs), 1))
  const inUnits = (bytes) => bytes / 1024 ** power
  const domain = nice(Math.min(0, ...flat.map(inUnits)), Math.max(...flat.map(inUnits), 1e-9), 5)
  const y = linear(domain, [HEIGHT - MARGIN.bottom, MARGIN.top])
  const room = width - MARGIN.left - MARGIN.right
  const step = room / totals.length
  const column = Math.min(84, step * 0.46)
  const left = (at) => MARGIN.left + step * at + (step - column) / 2
  const top = (bytes) => y(inUnits(bytes))

  const chart = svg('svg', {
    class: 'chart',
    role: 'img',
    width,
    height: HEIGHT,
    viewBox: `0 0 ${width} ${HEIGHT}`,
    'aria-label': `Heap by snapshot: ${totals
      .map((bytes, at) => `${letter(at)} ${growthOnly ? sizeDelta(bytes - totals[0]) : size(bytes)}`)
      .join(', ')}. The table below has the figures.`,
  })
  const ticks = ticksOf(...domain, 5)
  const digits = ticks.some((tick) => !Number.isInteger(tick)) ? 1 : 0
  chart.append(
    ...ticks.map((tick) =>
      svg(
        'g',
        { class: tick === 0 ? 'tick zero' : 'tick' },
        svg('line', { x1: MARGIN.left, x2: width - MARGIN.right, y1: y(tick), y2: y(tick) }),
        svg(
          'text',
          { x: MARGIN.left - 8, y: y(tick) + 4 },
          tick === 0 ? '0' : `${tick.toFixed(digits).replace('-', '−')} ${unitName(power)}`,
        ),
      ),
    ),
  )

  const ribbon = area()
    .x((point) => point.x)
    .y0((point) => point.y0)
    .y1((point) => point.y1)
    .curve(curveBumpX)
  for (const layer of layers) {
    const { name, mark, tone, exact } = series[layer.key]
    const points = layer.flatMap(([low, high], at) => {
      const edge = { y0: top(low), y1: top(high) }
      return [
        { x: left(at), ...edge },
        { x: left(at) + column, ...edge },
      ]
    })
    const group = svg('g', { class: `tone-${tone}` }, svg('path', { class: 'ribbon', d: ribbon(points) }))
    layer.forEach(([low, high], at) => {
      const height = Math.abs(top(low) - top(high))
      const box = { x: left(at), y: Math.min(top(low), top(high)), width: column, height }
      group.append(
        svg('rect', { class: 'column', ...box }, svg('title', {}, `${name}, ${letter(at)}: ${size(exact[at])}`)),
      )
      if (mark && height >= 18)
        group.append(svg('text', { class: 'mark', x: box.x + column / 2, y: box.y + height / 2 + 4.5 }, mark))
    })
    chart.append(group)
  }

  // Labels that would run into each other are left out, the last one never.
  const every = Math.ceil(LABEL / step)
  const names = files.map((file) => basename(file).replace(/\.heapsnapshot(\.gz|\.zst)?$/, ''))
  const named = names.every((name) => (name.length + 3) * 6.5 < step)
  totals.forEach((bytes, at) => {
    const middle = left(at) + column / 2
    chart.append(
      svg(
        'text',
        { class: 'step', x: middle, y: HEIGHT - 7 },
        svg('tspan', { class: 'letter' }, letter(at)),
        named && ` ${shown(names[at])}`,
      ),
    )
    if ((totals.length - 1 - at) % every !== 0) return
    const high = Math.min(...layers.map((layer) => top(Math.max(...layer[at]))), y(0))
    const label = growthOnly ? sizeDelta(bytes - totals[0]) : size(bytes)
    const x = Math.min(middle, width - LABEL / 2)
    chart.append(svg('text', { class: 'total', x, y: high - 8 }, label))
  })
  return chart
}

function figures(series, totals) {
  const row = (one) => [one.name, ...one.exact.map(size), sizeDelta(ends(one.exact).delta)]
  return table(
    'Bytes by snapshot',
    ['', ...totals.map((_, at) => letter(at)), 'Growth'],
    [...series.map(row), ['All', ...totals.map(size), sizeDelta(ends(totals).delta)]],
  )
}

export function growth({ leaks }) {
  const totals = heapBytes(leaks)
  const files = leaks.snapshots.map((snapshot) => snapshot.file)
  const series = seriesOf(leaks)
  const heap = ends(totals)
  let growthOnly = heap.delta > 0 && heap.delta < DWARFED * heap.last
  const canvas = h('div', { class: 'canvas' })
  let drawn = 0
  const draw = () => {
    const width = Math.floor(canvas.clientWidth)
    if (width > 0) canvas.replaceChildren(plot(series, totals, files, growthOnly, Math.max(240, width)))
    drawn = width
  }
  const choice = (text, value) =>
    h(
      'label',
      {},
      h('input', {
        type: 'radio',
        name: 'heap',
        checked: growthOnly === value,
        onchange: () => {
          growthOnly = value
          draw()
        },
      }),
      h('span', {}, text),
    )
  new ResizeObserver(() => {
    if (Math.floor(canvas.clientWidth) !== drawn) draw()
  }).observe(canvas)
  const part = section(
    'growth',
    'Growth over the snapshots',
    h(
      'fieldset',
      { class: 'switch' },
      h('legend', { class: 'hidden' }, 'What the chart shows'),
      choice('Whole heap', false),
      choice('Growth only', true),
    ),
    h(
      'figure',
      {},
      canvas,
      h(
        'figcaption',
        {},
        h(
          'ul',
          { class: 'legend' },
          series.map(({ name, mark, tone }) =>
            h(
              'li',
              { class: `tone-${tone}` },
              h('span', { class: 'swatch', 'aria-hidden': 'true' }, mark),
              h('span', { class: 'name' }, name),
            ),
          ),
        ),
      ),
    ),
    h('details', { class: 'as-table' }, h('summary', {}, 'Figures as a table'), figures(series, totals)),
  )
  part.dataset.short = 'Growth'
  return part
}
