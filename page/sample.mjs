// Data for looking at the page, and for its tests: the shape of a real report, made up and always the same.

const MIB = 1024 ** 2

/** The same numbers every time. */
function random(seed) {
  let state = seed
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
}

const FILES = ['before.heapsnapshot', 'between.heapsnapshot', 'after.heapsnapshot']
const STORE = '/srv/shop/src/store.js'
const PRICES = '/srv/shop/src/prices.js'

const SUSPECTS = [
  {
    rank: 1,
    cause: 'map-cache',
    name: 'A Map that is only ever added to',
    why: '`sessions` gains an entry with every call of `open`, under a key that hardly ever comes twice, and nothing deletes one: 3,600 of its 4,800 entries were put there after the first snapshot.',
    advice:
      'Delete the entry when the session ends, or give the Map a bound (an LRU of a few thousand entries) and entries a time to live.',
    owner: 'sessions',
    counts: [1200, 2400, 4800],
    retained_bytes: [9.6 * MIB, 19.1 * MIB, 38.2 * MIB].map(Math.round),
    grows: { class: 'Session', counts: [1200, 2400, 4800] },
    sample_keys: ['user:100482', 'user:100483', 'user:100491', 'guest:7f3a', 'guest:81bc'],
    source: { file: STORE, line: 24, column: 17, function: 'open' },
    holder: { file: STORE, line: 8, column: 7, function: null },
    frames: [
      {
        of: 'source',
        file: STORE,
        line: 24,
        column: 17,
        first_line: 21,
        lines: [
          'function open(user, request) {',
          "  const key = user ? 'user:' + user.id : 'guest:' + token()",
          '  if (!sessions.has(key)) {',
          '    const session = new Session(key, request.headers)',
          '    sessions.set(key, session)',
          '  }',
          '  return sessions.get(key)',
        ],
        warning: null,
      },
      {
        of: 'holder',
        file: STORE,
        line: 8,
        column: 7,
        first_line: 6,
        lines: [
          "const { Session } = require('./session')",
          '',
          'const sessions = new Map()',
          '',
          '/** Sessions by key. */',
        ],
        warning: 'store.js is newer than the last snapshot: the lines may have moved',
      },
    ],
    path: [
      { edge: null, node: '(GC roots)', class: '(GC roots)', id: 3 },
      { edge: '(Handle scope)', node: 'Module', class: 'Module', id: 5021 },
      { edge: '.exports', node: 'Object {open, close}', class: 'Object', id: 5377 },
      { edge: '.open', node: 'open()', class: 'Function', id: 5391, script: { file: STORE, line: 21, column: 14 } },
      { edge: '{context}', node: 'system / Context', class: 'system / Context', id: 5403 },
      { edge: 'sessions (captured)', node: 'Map', class: 'Map', id: 6113 },
      { edge: '["user:100482"]', node: 'Session', class: 'Session', id: 88123 },
    ],
    samples: [88123, 88177, 90211],
  },
  {
    rank: 2,
    cause: 'event-listeners',
    name: 'EventEmitter listeners',
    why: 'Each request adds a listener to `bus` for "price" and none takes it off. The listener keeps the context of `watch`, and with it `history`, which only its sibling `replay` uses.',
    advice: "Take the listener off when the request ends: `response.on('close', () => bus.off('price', onPrice))`.",
    owner: 'bus._events.price',
    counts: [20, 120, 1120],
    retained_bytes: [46_000, 271_000, 2_530_000],
    grows: { class: 'PriceAlert', counts: [20, 120, 1120] },
    sample_keys: [],
    source: { file: PRICES, line: 49, column: 19, function: 'onPrice' },
    holder: { file: PRICES, line: 11, column: 7, function: null },
    frames: [
      {
        of: 'source',
        file: PRICES,
        line: 49,
        column: 19,
        first_line: 46,
        lines: [
          'function watch(request, response) {',
          '\tconst history = new PriceHistory(2000)',
          '\tconst alert = new PriceAlert(request.url)',
          "\tbus.on('price', (price) => alert.check(price))",
          '\tconst replay = () => history.replay()',
        ],
        warning: null,
      },
    ],
    path: [
      { edge: null, node: '(GC roots)', class: '(GC roots)', id: 3 },
      { edge: 'Node', node: 'TCPServerWrap', class: 'Node / TCPServerWrap', id: 2079270752 },
      { edge: '{native_to_javascript}', node: 'TCP', class: 'TCP', id: 6157 },
      { edge: '["<symbol owner_symbol>"]', node: 'Server', class: 'Server', id: 48259 },
      { edge: '._events', node: '{request, listening, connection}', class: 'Object', id: 85337 },
      { edge: '.request', node: '(anonymous)()', class: 'Function', id: 85345 },
      { edge: '{context}', node: 'system / Context', class: 'system / Context', id: 60755 },
      { edge: 'bus (captured)', node: 'EventEmitter', class: 'EventEmitter', id: 63069 },
      { edge: '._events', node: '{price}', class: 'Object', id: 85335 },
      { edge: '.price', node: 'Array', class: 'Array', id: 85349 },
      { edge: '[950]', node: 'onPrice()', class: 'Function', id: 103763 },
      { edge: '{context}', node: 'system / Context', class: 'system / Context', id: 116295 },
      { edge: '.previous', node: 'system / Context', class: 'system / Context', id: 116297 },
      { edge: 'links', node: 'Array', class: 'Array', id: 116301 },
      { edge: '[0]', node: 'Object', class: 'Object', id: 116303 },
      { edge: 'alert (captured)', node: 'PriceAlert', class: 'PriceAlert', id: 116771 },
    ],
    samples: [116771],
  },
  {
    rank: 3,
    cause: 'timers',
    name: 'Intervals that are never cleared',
    why: 'Every upload starts an interval and forgets it.',
    advice: 'Keep what setInterval returns, and clear it when the upload is done or has failed.',
    owner: 'timers of 30,000 ms',
    counts: [3, 9, 21],
    retained_bytes: [61_000, 188_000, 431_000],
    grows: { class: 'Timeout', counts: [3, 9, 21] },
    sample_keys: [],
    source: { file: '/srv/shop/src/upload.js', line: 88, column: 3, function: 'start' },
    holder: null,
    frames: [],
    path: [
      { edge: null, node: '(GC roots)', class: '(GC roots)', id: 3 },
      { edge: '[30000]', node: 'TimersList', class: 'TimersList', id: 9001 },
      { edge: '._idleNext', node: 'Timeout', class: 'Timeout', id: 9107 },
    ],
    samples: [9107],
  },
]

const OWNERS = [
  {
    name: '/srv/shop/src/store.js',
    bytes: [9.9 * MIB, 19.6 * MIB, 38.9 * MIB],
    children: [
      {
        name: 'sessions',
        rank: 1,
        bytes: [9.6 * MIB, 19.1 * MIB, 38.2 * MIB],
        children: [
          { name: 'Session.headers', bytes: [5.1 * MIB, 10.2 * MIB, 20.4 * MIB], children: [] },
          { name: 'Session.cart', bytes: [2.9 * MIB, 5.6 * MIB, 11.1 * MIB], children: [] },
          { name: 'keys', bytes: [0.4 * MIB, 0.8 * MIB, 1.7 * MIB], children: [] },
        ],
      },
      { name: 'byDay', bytes: [0.2 * MIB, 0.4 * MIB, 0.7 * MIB], children: [] },
    ],
  },
  {
    name: '/srv/shop/src/prices.js',
    bytes: [46_000, 271_000, 2_530_000],
    children: [
      {
        name: 'bus._events.price',
        rank: 2,
        bytes: [46_000, 271_000, 2_530_000],
        children: [
          { name: 'history', bytes: [40_000, 240_000, 2_240_000], children: [] },
          { name: 'alert', bytes: [2_000, 9_000, 90_000], children: [] },
        ],
      },
    ],
  },
  { name: 'timers of 30,000 ms', rank: 3, bytes: [61_000, 188_000, 431_000], children: [] },
  { name: '(compiled code)', bytes: [4.1 * MIB, 4.2 * MIB, 4.4 * MIB], children: [] },
]

function classRows(number) {
  const next = random(7)
  const words = [
    'Session',
    'PriceAlert',
    'PriceHistory',
    'Cart',
    'Headers',
    'Token',
    'Query',
    'Route',
    'Socket',
    'Buffer',
  ]
  return Array.from({ length: number }, (_, at) => {
    const each = 16 + Math.floor(next() * 200)
    const first = Math.floor(next() * 5000)
    const scale = 9000 / (at + 1) ** 1.2
    const added = Math.floor(next() * scale) + 1
    const removed = Math.floor(next() * next() * first * 0.02)
    const last = first + added - removed
    const name = at < words.length ? words[at] : `${words[at % 10]}${Math.floor(at / 10)}`
    return {
      name,
      script:
        at % 3 === 2 ? null : { file: `/srv/shop/src/${name.toLowerCase()}.js`, line: 1 + ((at * 7) % 300), column: 7 },
      added,
      removed,
      delta: added - removed,
      added_bytes: added * each,
      removed_bytes: removed * each,
      delta_bytes: (added - removed) * each,
      counts: [first, Math.floor(first + (last - first) * next()), last],
      samples: [],
    }
  }).sort((a, b) => b.delta_bytes - a.delta_bytes)
}

/** A report of three snapshots; `classes` rows in its table, of `total` that there were. */
export function sample({ suspects = SUSPECTS, classes = 1200, total = classes, owners = OWNERS, notes = [] } = {}) {
  const bytes = [22.4 * MIB, 32.6 * MIB, 54.1 * MIB].map(Math.round)
  const snapshots = FILES.map((file, at) => ({
    file: `/var/dumps/${file}`,
    nodes: [198_322, 281_030, 466_251][at],
    edges: [902_118, 1_310_554, 2_204_872][at],
    bytes: bytes[at],
  }))
  const explained = suspects.reduce((sum, { retained_bytes: held }) => sum + held.at(-1) - held[0], 0)
  return {
    version: 1,
    title: suspects.length ? `${suspects[0].owner} grows` : 'Nothing grows without end',
    generated_by: 'rs-heapdump 0.1.0',
    leaks: {
      version: 1,
      snapshots,
      ids: 'comparable',
      growth: { bytes, explained_bytes: explained },
      notes: [
        'A cache of 512 entries in `templates` filled up between A and B and has stood still since: not counted.',
        ...notes,
      ],
      suspects,
    },
    diff: { version: 1, snapshots, ids: 'comparable', totals: { classes: total }, classes: classRows(classes) },
    owners,
  }
}
