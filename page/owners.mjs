// Retained growth by owner: an icicle, the owners from left to right, the heights their growth. Laid out by
// d3-hierarchy. It is a tree to the keyboard and to screen readers too: arrows move, Enter looks closer.

import { hierarchy, partition } from 'd3-hierarchy'
import { h, section } from './dom.mjs'
import { table } from './table.mjs'
import { counted, ends, letter, percent, shown, size, sizeDelta } from './text.mjs'

/** What is smaller than this share of the growth goes into one box with its like. */
const SMALLEST = 1 / 250
const MOST_CHILDREN = 40
const MOST_DEPTH = 4
/** Colours that there are. */
const MOST_TONES = 5
/** A box needs this height, in pixels, to say its name, and this one to say its figures below. */
const LINE = 17
const TWO_LINES = 36

/** A file by the last two parts of its path; anything else as it is. */
function label({ name }) {
  const isFile = /^(file:|\/|[a-z]:[/\\])/i.test(name)
  return shown(isFile ? name.split(/[/\\]/).slice(-2).join('/') : name, 80)
}

const grown = (owner) => Math.max(0, ends(owner.bytes).delta)

/** The tree of what grew; what is too small to be seen is taken together. */
function grow(owner, least, depth = 0) {
  const children = depth < MOST_DEPTH ? (owner.children ?? []).filter((child) => grown(child) > 0) : []
  children.sort((a, b) => grown(b) - grown(a))
  const large = children.slice(0, MOST_CHILDREN).filter((child) => grown(child) >= least)
  const kept = large.map((child) => grow(child, least, depth + 1))
  const small = children.slice(large.length)
  const rest = small.reduce((sum, child) => sum + grown(child), 0)
  if (rest >= least) {
    const name = `${counted(small.length, 'smaller one')}`
    kept.push({ name, plain: true, growth: rest, bytes: [], children: [] })
  }
  const inside = kept.reduce((sum, child) => sum + child.growth, 0)
  return {
    name: owner.name,
    rank: owner.rank,
    growth: Math.max(grown(owner), inside),
    bytes: owner.bytes,
    children: kept,
  }
}

function treeOf({ owners, leaks }) {
  const roots = owners?.length
    ? owners
    : leaks.suspects.map((suspect) => ({
        name: suspect.owner,
        rank: suspect.rank,
        bytes: suspect.retained_bytes,
        children: [],
      }))
  const all = roots.reduce((sum, root) => sum + grown(root), 0)
  if (all === 0) return null
  const whole = grow({ name: '', bytes: [0, all], children: roots }, all * SMALLEST, -1)
  const root = hierarchy(whole).sum((one) => one.growth - one.children.reduce((sum, child) => sum + child.growth, 0))
  return partition()(root)
}

function icicle(root) {
  const depth = root.height
  const all = root.value
  const nodes = root.descendants().slice(1)
  let focus = root
  const status = h('p', { class: 'chosen', 'aria-live': 'polite' })
  const back = h('button', { type: 'button', class: 'quiet', hidden: true, onclick: () => look(root) }, 'Show all')
  const boxes = new Map()

  const describe = (node) =>
    `${shown(node.data.name, 120)}: ${sizeDelta(node.value)}, ${percent(node.value, all)} of what owners gained${node.data.rank ? `, suspect ${node.data.rank}` : ''}`
  const tell = (node) => {
    const trail = node
      .ancestors()
      .reverse()
      .slice(1)
      .map((one) => shown(one.data.name, 60))
    const steps = node.data.bytes.length ? ` (${node.data.bytes.map(size).join(' → ')})` : ''
    status.replaceChildren(
      h('code', {}, trail.join(' › ')),
      ` ${sizeDelta(node.value)}, ${percent(node.value, all)}${steps}`,
    )
  }

  // A suspect and what is inside it have its colour, as in the chart; all else has none.
  const tone = (node) => {
    const rank = node.ancestors().find((one) => one.data.rank)?.data.rank
    return rank <= MOST_TONES ? rank : 0
  }
  for (const node of nodes) {
    const box = h(
      'div',
      {
        role: 'treeitem',
        class: `box tone-${tone(node)} depth-${Math.min(3, node.depth)}`,
        tabindex: -1,
        'aria-level': node.depth,
        'aria-setsize': node.parent.children.length,
        'aria-posinset': node.parent.children.indexOf(node) + 1,
        'aria-expanded': node.children ? 'true' : null,
        'aria-label': describe(node),
        onclick: () => {
          move(node)
          if (node.children || focus !== root) look(focus === node ? root : node)
        },
        onfocus: () => tell(node),
        onpointerenter: () => tell(node),
      },
      h('span', { class: node.data.plain ? 'name plain' : 'name', 'data-rank': node.data.rank }, label(node.data)),
      h('span', { class: 'gain' }, sizeDelta(node.value)),
    )
    boxes.set(node, box)
  }

  const tree = h('div', { class: 'icicle', role: 'tree', 'aria-label': 'Retained growth by owner' }, [
    ...boxes.values(),
  ])
  const place = () => {
    const height = tree.clientHeight
    const span = focus.x1 - focus.x0
    for (const [node, box] of boxes) {
      const from = Math.max(0, (node.x0 - focus.x0) / span)
      const to = Math.min(1, (node.x1 - focus.x0) / span)
      const pixels = (to - from) * height
      box.hidden = to - from <= 1e-9
      box.style.top = `${from * 100}%`
      box.style.height = `${Math.max(0, to - from) * 100}%`
      box.style.left = `${((node.depth - 1) / depth) * 100}%`
      // What has no children of its own takes the room to the right.
      box.style.width = `${((node.children ? 1 : depth - node.depth + 1) / depth) * 100}%`
      box.dataset.room = pixels >= TWO_LINES ? 'two' : pixels >= LINE ? 'one' : 'none'
    }
  }
  const look = (node) => {
    const inside = back.contains(document.activeElement)
    focus = node
    back.hidden = node === root
    place()
    if (inside) current().focus()
  }
  const current = () => [...boxes.values()].find((box) => box.tabIndex === 0)
  const move = (node) => {
    const box = boxes.get(node)
    if (box.hidden) look(node.parent)
    current().tabIndex = -1
    box.tabIndex = 0
    box.focus()
  }
  boxes.get(nodes[0]).tabIndex = 0

  const keys = {
    ArrowDown: (node) => nodes.filter((one) => one.depth === node.depth).find((one) => one.x0 >= node.x1 - 1e-12),
    ArrowUp: (node) => nodes.filter((one) => one.depth === node.depth).findLast((one) => one.x1 <= node.x0 + 1e-12),
    ArrowRight: (node) => node.children?.[0],
    ArrowLeft: (node) => (node.parent === root ? null : node.parent),
    Home: () => nodes[0],
    End: () => nodes.filter((one) => one.depth === 1).at(-1),
  }
  tree.addEventListener('keydown', (event) => {
    const at = [...boxes].find(([, box]) => box === event.target)?.[0]
    if (!at) return
    if (event.key === 'Enter' || event.key === ' ') look(focus === at ? root : at)
    else if (event.key === 'Escape' && focus !== root) look(root)
    else if (keys[event.key]) {
      const to = keys[event.key](at)
      if (to) move(to)
    } else return
    event.preventDefault()
  })
  new ResizeObserver(place).observe(tree)
  tell(nodes[0])
  return h('div', {}, h('div', { class: 'told' }, status, back), tree)
}

function rows(root) {
  return root
    .descendants()
    .slice(1)
    .sort((a, b) => b.value - a.value)
    .slice(0, 200)
    .map((node) => [
      node
        .ancestors()
        .reverse()
        .slice(1)
        .map((one) => shown(one.data.name, 80))
        .join(' › '),
      sizeDelta(node.value),
      percent(node.value, root.value),
      node.data.bytes.length ? node.data.bytes.map(size).join(' → ') : '–',
    ])
}

export function owners(data) {
  const root = treeOf(data)
  if (!root) return null
  const last = letter(data.leaks.snapshots.length - 1)
  const part = section(
    'owners',
    'Who holds what was gained',
    h(
      'p',
      { class: 'about' },
      `Retained size at ${last} less that at A, by owner; what an owner holds stands to its right.`,
    ),
    icicle(root),
    h(
      'details',
      { class: 'as-table' },
      h('summary', {}, 'Owners as a table'),
      table('Owners by growth', ['Owner', 'Growth', 'Share', 'By snapshot'], rows(root)),
    ),
  )
  part.dataset.short = 'Owners'
  return part
}
