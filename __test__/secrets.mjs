// Secrets in every kind of place, and a search for them.
//
// PLANT is the beginning of a script for `run`: `planted(next)` puts some 1,200 distinct secrets into the heap and
// calls `next`; `tell(next)` writes which secrets are where into the file that the script's argument names, says
// `{ secrets: FILE }`, and calls `next`. The secrets are made at run time, of letters alone: nothing in their form
// tells them from a name. The program keeps a list of them, and a dictionary whose keys they are.

/** For Node 16 and later. */
export const PLANT = String.raw`
const crypto = require('crypto')
const fs = require('fs')
const vm = require('vm')
const places = Object.create(null)
let count = 0
let place = ''
const dictionary = (global.dictionary = {})
/** A new secret: letters alone. */
function S(suffix) {
  const digest = crypto.createHash('sha256').update('salt' + count++).digest('hex').slice(0, 20)
  const secret = (count % 2 ? 'Q' : 'q') + digest.replace(/[0-9]/g, function (digit) { return 'ghijklmnop'[digit] })
  places[secret] = place + (suffix || '')
  dictionary[secret] = 1
  return secret
}
const kept = (global.kept = [])
function keep(value) { kept.push(value); return value }
function computed(name, value) { return { [name]: value } }
const PLACES = {
  string: () => keep(S()),
  'map key and value': () => keep(new Map([[S(), S()], [{}, S()]])),
  'set': () => keep(new Set([S()])),
  'weak map': () => { const key = keep({ z: 1 }); const map = keep(new WeakMap([[key, S()]])); map.set(keep(new String(S())), { [S()]: S() }) },
  'key of a dictionary': () => { const object = {}; for (let i = 0; i < 40; i++) object['k' + i + S()] = i; delete object.k0; keep(object) },
  'key of a small object': () => keep({ [S()]: 1 }),
  'key of many objects': () => { const name = S(); for (let i = 0; i < 20; i++) keep({ [name]: i }) },
  'key that code reads': () => {
    const name = S(); const object = keep({ [name]: 1 })
    const read = keep(function (object, name) { return object[name] })
    for (let i = 0; i < 2000; i++) read(object, name)
  },
  'sparse array': () => { const array = keep([]); array[S()] = 1; array.push(S()) },
  getter: () => keep({ get [S()]() { return 1 }, set [S()](value) {} }),
  accessor: () => keep(Object.defineProperty({}, S(), { get() { return 1 } })),
  'method name': () => keep({ [S()]() {}, async [S()]() {}, *[S()]() {} }),
  'function name': () => { keep(computed(S(), () => 1)); keep(computed(S(), function () {})); keep(Object.values(computed(S(), () => 1))[0]) },
  'defined function name': () => keep(Object.defineProperty(function () {}, 'name', { value: S() })),
  'property of a function': () => keep(Object.assign(() => 1, { [S()]: S() })),
  'bound argument': () => keep(function () {}.bind(S(), S())),
  'class name': () => { class Plain {} Object.defineProperty(Plain, 'name', { value: S() }); keep(new Plain()); keep(new (Object.values(computed(S(), class {}))[0])()) },
  'subclass name': () => { const make = (name) => ({ [name]: class extends Map { more() {} } })[name]; keep(new (make(S()))()) },
  'static and private': () => keep(class { static [S()] = S(); #hidden = S(); static made = keep(new this()) }),
  'toStringTag': () => { keep({ [Symbol.toStringTag]: S() }); keep(Object.create({ [Symbol.toStringTag]: S() })) },
  'constructor': () => keep(Object.create({ constructor: Object.values(computed(S(), function () {}))[0] })),
  symbol: () => { keep(Symbol(S())); keep({ [Symbol(S())]: 1 }); keep(Symbol.for(S())) },
  regexp: () => { const used = keep(new RegExp(S())); used.test('x'); keep(new RegExp('(' + S() + ')', 'g').exec(S())); keep(/(.+)/.exec(S())) },
  error: () => {
    keep(new Error(S())).stack
    try { null[S()] } catch (error) { keep(error); error.stack }
    try { JSON.parse('{' + S()) } catch (error) { keep(error) }
    try { keep(kept[0][S()][S()]) } catch (error) { keep(error); keep(error.stack) }
    keep(new AggregateError([new TypeError(S())], S())); keep(Object.assign(new Error('x'), { code: S(), cause: S() }))
  },
  'eval': () => keep(eval('(function ' + S() + '(){ var ' + S() + ' = 1; let ' + S() + ' = "' + S() + '"; return () => ' + [...Object.keys(places)].slice(-2)[0] + ' })()')),
  'new Function': () => keep(new Function(S(), 'return { ' + S() + ': "' + S() + '" } // ' + S()))(),
  'vm': () => {
    const script = keep(new vm.Script('function ' + S() + '() {} ({ ' + S() + ': ' + JSON.stringify(S()) + ' })', { filename: S() }))
    keep(script.runInThisContext()); if (count % 3 === 0) keep(vm.runInNewContext('globalThis.' + S() + ' = 1; this', { [S()]: S() }))
  },
  'JSON': () => keep(JSON.parse(JSON.stringify({ [S()]: { [S()]: [S(), { inner: S() }] } }))),
  'JSON text': () => keep(JSON.stringify({ token: S() })),
  concatenated: () => { keep('prefix of some length ' + S() + Math.random()); const parts = keep([S(), S()]); keep(parts[0] + ' and then ' + parts[1]) },
  sliced: () => { const text = 'a longer text ' + S() + S(); keep(text.slice(9)); keep(text.split(' ')); keep(text.substring(14, 34)) },
  'two-byte': () => keep(S() + '\u20ac\u4e2d\u6587'),
  'lone surrogate': () => keep('\ud800' + S() + '\udfff'),
  'escapes': () => keep('"' + S() + '\\\n\t\u0001' + S() + '\u007f</script>'),
  'emoji': () => keep({ ['\ud83d\ude00' + S()]: '\ud83d\ude00' + S() }),
  template: () => { keep(((strings) => strings)(...[[S()]])); keep(eval('(tag => tag${'`'}' + S() + '${'$'}{1}' + S() + '${'`'})')((strings) => strings)) },
  'buffer': () => { keep(Buffer.from(S()).toString()); keep(Buffer.from(S(), 'latin1').toString('latin1')); keep(Buffer.from(S()).toString('utf16le')) },
  'url': () => { keep(new URL('http://user:' + S() + '@host/' + S() + '?' + S() + '=' + S() + '#' + S())); keep(new URLSearchParams({ [S()]: S() })); keep(require('querystring').parse(S() + '=' + S())) },
  'environment': () => { process.env['X' + S()] = S(); keep({ ...process.env }) },
  'argv': () => process.argv.push('--' + S() + '=' + S()),
  'event': () => { const emitter = keep(new (require('events'))()); emitter.on(S(), function () {}); emitter.once('on:' + S(), function () {}); const target = keep(new EventTarget()); target.addEventListener(S(), function () {}) },
  'closure': () => { const held = S(); keep(() => held); let changed = S(); keep(() => (changed += 'x')) },
  'generator': () => { const generator = keep((function* () { const local = S(); yield 1; return local })()); generator.next() },
  'async function': () => { keep((async () => { const local = S(); await new Promise(() => {}); return local })()) },
  'promise': () => { keep(Promise.resolve(S())); const rejected = keep(Promise.reject(new Error(S()))); rejected.catch(() => {}) },
  'async context': () => { const storage = keep(new (require('async_hooks').AsyncLocalStorage)()); storage.run(S(), () => keep(new Promise(() => {}).then(() => 1))) },
  'timer': () => keep(setTimeout(function () {}, 1e8, S())).unref(),
  'weak ref': () => keep(new WeakRef(keep(new String(S())))),
  'proxy': () => keep(new Proxy({ [S()]: 1 }, { [S()]: S() })),
  'global': () => { global[S()] = S() },
  'intl and date': () => { keep(new Intl.DateTimeFormat('en', { timeZone: 'UTC' }).format(0) + S()); keep(new Date().toISOString() + S()) },
  'case and padding': () => { const upper = S().toUpperCase(); places[upper] = 'upper case'; keep(upper); keep(S().padStart(40, '.').trim()) },
  'header': () => { keep(Object.fromEntries([['authorization', 'Bearer ' + S()], ['x-' + S(), S()]])) ; if (global.Headers) keep(new Headers({ ['x-' + S()]: S() })) },
  'from entries': () => keep(Object.fromEntries([[S(), S()]])),
  'spread': () => { const entry = { [S()]: S() }; keep({ ...entry, more: 1 }); keep([...S()].join('')) },
  'stack frame': () => { const thrower = Object.values(computed(S(), function () { throw new Error('x') }))[0]; try { thrower() } catch (error) { keep(error); keep(error.stack) } },
}
/** Requests whose path, query, headers and body are secrets, both ends kept. */
function http(done) {
  const server = require('http').createServer(function (request, response) {
    keep(request); keep(response)
    response.setHeader('x-answer', (place = 'answer', S()))
    response.end(S())
  })
  server.listen(0, '127.0.0.1', function () {
    place = 'request'
    const request = require('http').request({
      host: '127.0.0.1', port: server.address().port, method: 'POST', agent: false,
      path: '/' + S() + '?' + S() + '=' + S(),
      headers: { authorization: 'Bearer ' + S(), cookie: 'sid=' + S(), ['x-' + S()]: S() },
    }, function (answer) {
      keep(answer)
      answer.on('data', function (data) { keep(data.toString()) })
      answer.on('end', function () { server.close(); done() })
    })
    keep(request)
    request.end((place = 'body', S()))
  })
}
/** Modules that come from a file with secrets in its text, and from no file. */
function modules(done) {
  const file = process.argv[2] + '.module.cjs'
  place = 'module text'
  fs.writeFileSync(file, '// ' + S() + '\nmodule.exports = { list: ["' + S() + '"], text: "' + S() + ' of it", read: () => ' + "'" + S() + "'" + ' }')
  keep(require(file)).read()
  fs.unlinkSync(file)
  place = 'data module'
  import('data:text/javascript,export const ' + S() + ' = "' + S() + '"').then(function (module) { keep(module); done() })
}
function planted(next) {
  for (let round = 0; round < 12; round++) {
    for (const [name, plant] of Object.entries(PLACES)) { place = name; plant() }
  }
  http(function () { modules(function () { setImmediate(next) }) })
}
function tell(next) {
  const file = process.argv[2]
  fs.writeFileSync(file, JSON.stringify(places))
  say({ secrets: file })
  next()
}
`

/** Shorter pieces of a secret tell nothing. */
const FRAGMENT = 8

/**
 * The places of the secrets of which a fragment of eight characters is in these bytes. All of them are looked for at
 * once: a window moves over the bytes, and a table says which ones are worth a closer look.
 */
export function leaked(bytes, secrets) {
  const worthALook = new Uint8Array(1 << 20)
  const slot = (buffer, at) => (buffer.readUInt32LE(at) ^ Math.imul(buffer.readUInt32LE(at + 4), 0x9e3779b1)) >>> 12
  const fragments = new Map()
  for (const [secret, place] of Object.entries(secrets)) {
    const text = Buffer.from(secret, 'latin1')
    for (let at = 0; at + FRAGMENT <= text.length; at++) {
      worthALook[slot(text, at)] = 1
      fragments.set(text.latin1Slice(at, at + FRAGMENT), place)
    }
  }
  const found = new Set()
  for (let at = 0; at + FRAGMENT <= bytes.length; at++) {
    if (!worthALook[slot(bytes, at)]) continue
    const place = fragments.get(bytes.latin1Slice(at, at + FRAGMENT))
    if (place !== undefined) found.add(place)
  }
  return [...found].sort()
}
