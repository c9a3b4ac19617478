// From trials to Markdown: medians, ratios, and whether each target is met. Losses are told like wins.

/** What the captures have to reach. Ratios are of medians, and count as rounded to two decimals. */
const WALL_RATIO_MAX = 1
const PEAK_RATIO_MAX = 1
const RSS_AFTER_RATIO_MAX = 1.3
const QUADRATIC_SPEEDUP_MIN = 20

const CONTENDERS = {
  ours: 'rs-heapdump, `gc: false`',
  'ours-gc': 'rs-heapdump, as it comes',
  'ours-forget': 'rs-heapdump, `gc: false, comparable: false`',
  v8: '`v8.writeHeapSnapshot`',
  heapdump: 'heapdump 0.3.15',
}
const HEAPS = {
  objects: 'many small objects',
  strings: 'long strings',
  typescript: 'the TypeScript compiler with a parsed program',
}

/** The middle value; of an even number, the mean of the two in the middle. */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b)
  const half = sorted.length / 2
  return sorted.length % 2 === 1 ? sorted[Math.floor(half)] : (sorted[half - 1] + sorted[half]) / 2
}

/** The whole page. `report` is what capture.mjs gathers. */
export function render(report) {
  const groups = report.groups.map((group) => ({ ...group, medians: mediansOf(group.trials) }))
  return [
    '# What a capture costs',
    '',
    ...method(report),
    '',
    '## Against the targets',
    '',
    ...targets(groups),
    '',
    '## Each heap',
    '',
    ...groups.flatMap((group) => [...details(group), '']),
    '## Loading and size',
    '',
    ...loading(report),
    '',
  ].join('\n')
}

function mediansOf(trials) {
  const medians = {}
  for (const [contender, runs] of Object.entries(trials)) {
    if (runs.length === 0) continue
    medians[contender] = { n: runs.length }
    for (const field of Object.keys(runs[0])) medians[contender][field] = median(runs.map((run) => run[field]))
    medians[contender].wallMinMs = Math.min(...runs.map((run) => run.wallMs))
    medians[contender].wallMaxMs = Math.max(...runs.map((run) => run.wallMs))
  }
  return medians
}

/** One sentence a line: it stays readable when a number changes. */
function method({ machine, nodes, rounds, slowSeconds }) {
  const versions = nodes.map(({ version }) => version).join(' and ')
  return [
    `Made by \`npm run bench\` on ${machine.date}, at ${machine.commit}.`,
    `Node ${versions}; ${machine.cores} cores (${machine.cpu}), ${gigabytes(machine.memoryBytes)} of memory, ${machine.kernel}.`,
    `Files on ${machine.fileSystem}; load ${machine.load.toFixed(2)} at the start.`,
    '',
    `Medians of ${rounds} ${rounds === 1 ? 'trial' : 'trials'}; n tells where it is fewer, after a first trial of more than ${slowSeconds} s.`,
    'Each trial is a fresh process that builds the same heap, collects its garbage, and captures once.',
    'The order changes from round to round, and a trial before the first is thrown away.',
    'Trust ratios, not absolutes.',
    'A ratio is ours (`gc: false`) to theirs: **below 1 is better for us**.',
    'Peak is the highest RSS during the call; "1 s after" is RSS one second after the call.',
    'Our time includes what the others leave out: flushing the file to the disk (fsync) and renaming it.',
    "With `comparable: false` we give up V8's table of object ids as well, which all others keep.",
    '1 MB = 10^6 bytes.',
  ]
}

function targets(groups) {
  const rows = []
  for (const { node, heap, medians } of groups) {
    const where = `Node ${major(node)}, ${heap}`
    const { ours } = medians
    if (!ours) {
      rows.push([where, 'a capture', 'works', 'failed', '**missed**'])
      continue
    }
    for (const [name, label] of [
      ['v8', CONTENDERS.v8],
      ['heapdump', 'heapdump'],
    ]) {
      const theirs = medians[name]
      if (!theirs) continue
      const wall = ours.wallMs / theirs.wallMs
      const peak = ours.rssPeakBytes / theirs.rssPeakBytes
      rows.push([where, `wall time to ${label}`, '≤ 1.00x', times(wall), met(round2(wall) <= WALL_RATIO_MAX)])
      rows.push([where, `peak RSS to ${label}`, '≤ 1.00x', times(peak), met(round2(peak) <= PEAK_RATIO_MAX)])
    }
    const after = ours.rssAfterBytes / ours.rssBeforeBytes
    const others = { 'ours-forget': '`comparable: false`', v8: 'v8', heapdump: 'heapdump' }
    const beside = Object.entries(others)
      .filter(([name]) => medians[name])
      .map(([name, label]) => `${label} ${times(medians[name].rssAfterBytes / medians[name].rssBeforeBytes)}`)
    rows.push([
      where,
      'RSS 1 s after, to before',
      '< 1.30x',
      [times(after), ...beside].join('; '),
      met(round2(after) < RSS_AFTER_RATIO_MAX),
    ])
    if (heap === 'typescript' && Number(major(node)) <= 20 && medians.heapdump) {
      const speedup = medians.heapdump.wallMs / ours.wallMs
      rows.push([
        where,
        'faster than heapdump',
        '≥ 20x',
        `${speedup.toFixed(0)}x`,
        met(speedup >= QUADRATIC_SPEEDUP_MIN),
      ])
    }
  }
  return table(['where', 'what', 'target', 'measured', ''], rows)
}

function details({ node, heap, medians, failures }) {
  const { ours } = medians
  const rows = Object.entries(medians).map(([name, it]) => {
    const isTheirs = ours && (name === 'v8' || name === 'heapdump')
    return [
      CONTENDERS[name],
      String(it.n),
      `${seconds(it.wallMs)}${it.n > 1 ? ` (${seconds(it.wallMinMs)}–${seconds(it.wallMaxMs)})` : ''}`,
      isTheirs ? times(ours.wallMs / it.wallMs) : '',
      megabytes(it.rssPeakBytes),
      isTheirs ? times(ours.rssPeakBytes / it.rssPeakBytes) : '',
      megabytes(it.rssBeforeBytes),
      megabytes(it.rssAfterBytes),
      times(it.rssAfterBytes / it.rssBeforeBytes),
      megabytes(it.fileBytes),
    ]
  })
  const any = ours ?? Object.values(medians)[0]
  const size = any ? ` (${megabytes(any.heapUsedBytes)} MB of heap, ${count(any.nodes)} nodes)` : ''
  const heads = [
    '',
    'n',
    'wall s (range)',
    'ours to it',
    'peak MB',
    'ours to it',
    'before MB',
    '1 s after MB',
    'after / before',
    'file MB',
  ]
  const lines = [`### Node ${node.version}: ${HEAPS[heap]}${size}`, '', ...table(heads, rows)]
  if (ours && medians['ours-gc']) {
    const added = medians['ours-gc'].wallMs - ours.wallMs
    lines.push(
      '',
      `The forced collection, which is the default, adds ${added.toFixed(0)} ms (${percent(added / ours.wallMs)}).`,
    )
  }
  for (const [name, message] of Object.entries(failures))
    lines.push('', `${CONTENDERS[name]} failed: ${inline(message)}`)
  if (node.failure) lines.push('', `heapdump 0.3.15 does not compile on this Node: ${inline(node.failure)}`)
  return lines
}

function loading({ requires, packages }) {
  const rows = requires.map(({ node, ours, heapdump }) => [
    `\`require()\` on Node ${node.version}, ms`,
    ours.toFixed(2),
    heapdump ? heapdump.toFixed(2) : '(does not compile)',
    heapdump ? times(ours / heapdump) : '',
  ])
  const kilobytes = (bytes) => (bytes / 1e3).toFixed(1)
  for (const [label, field] of [
    ['packed', 'size'],
    ['unpacked', 'unpackedSize'],
  ]) {
    const { ours, heapdump } = packages
    rows.push([
      `package, ${label}, kB`,
      kilobytes(ours[field]),
      kilobytes(heapdump[field]),
      times(ours[field] / heapdump[field]),
    ])
  }
  return [
    ...table(['', 'rs-heapdump', 'heapdump 0.3.15', 'ours to theirs'], rows),
    '',
    `\`require()\`: medians of ${requires[0]?.rounds ?? 0}, each in a fresh process.`,
    "heapdump's package is its source: the C++ compiler, the Python and the headers of Node that it needs",
    'on the host are not counted.',
  ]
}

/** Markdown, the columns padded so that the source reads as well as the page. */
export function table(heads, rows) {
  const widths = heads.map((head, column) =>
    Math.max(3, ...[head, ...rows.map((row) => row[column])].map((cell) => cell.length)),
  )
  const line = (cells) => `| ${cells.map((cell, column) => cell.padEnd(widths[column])).join(' | ')} |`
  return [line(heads), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)]
}

const major = ({ version }) => version.split('.')[0]
export const round2 = (value) => Math.round(value * 100) / 100
export const times = (ratio) => `${ratio.toFixed(2)}x`
export const met = (is) => (is ? 'met' : '**missed**')
const seconds = (ms) => (ms / 1e3).toFixed(2)
export const megabytes = (bytes) => (bytes / 1e6).toFixed(0)
export const gigabytes = (bytes) => `${(bytes / 1e9).toFixed(0)} GB`
export const count = (value) => new Intl.NumberFormat('en-US').format(value)
const percent = (share) => `${share < 0 ? '−' : '+'}${Math.abs(share * 100).toFixed(1)} %`
/** A message from outside, in one line of Markdown. */
export const inline = (message) => `\`${message.replace(/[`\n]/g, ' ')}\``
