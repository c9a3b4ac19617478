// What is printed and answered of files that are not redacted, where it is asked to be: text, JSON, pages and objects
// have no secret in them, and still name the leak.

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { before, describe, it } from 'node:test'
import { findLeaks, openSnapshot } from '../index.js'
import { filesIn, ROOT, run, temporaryDirectory, testedNodeMajor, textOf } from './helpers.mjs'
import { leaked, PLANT } from './secrets.mjs'

/** In a line of the program's text that leads to the leak. */
const REMARK = 'swordfishisnotaname'

/** Secrets as keys and values of what grows, beside those in every kind of place. */
const LEAK = `${PLANT}
const sessions = new Map(), seen = new Set(), byUser = {}, tagged = [], bus = new (require('events'))().setMaxListeners(0)
class Session {
  constructor(token) { /* ${REMARK} */ this.token = token }
}
function visit(count) {
  place = 'leak'
  for (let i = 0; i < count; i++) {
    sessions.set(S(), new Session(S()))
    seen.add(S())
    byUser[S()] = { [S()]: S() }
    bus.on(S(), function () { return i })
  }
  tagged.push({ [Symbol.toStringTag]: S() })
}
planted(function () {
  const heapdump = require(ADDON)
  for (const [index, count] of [20, 200, 600].entries()) {
    visit(count)
    heapdump.writeSnapshot(['one', 'two', 'three'][index] + '.heapsnapshot')
  }
  tell(process.exit)
})`

describe('redacted output', () => {
  const temporary = temporaryDirectory()
  let secrets
  let files
  let id

  /** Runs the command line on the Node that runs the tests. */
  const cli = (...args) =>
    execFileSync(process.execPath, [path.join(ROOT, 'cli.js'), ...args], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
      maxBuffer: 1 << 28,
      env: { ...process.env, TMPDIR: temporary },
    })
  const found = (text) => leaked(Buffer.from(text), secrets)

  before(async () => {
    const child = await run(LEAK, { args: [path.join(temporaryDirectory(), 'secrets.json')] })
    secrets = { ...JSON.parse(fs.readFileSync(child.said[0].secrets, 'utf8')), [REMARK]: 'text of the program' }
    files = ['one', 'two', 'three'].map((name) => path.join(child.directory, `${name}.heapsnapshot`))
    id = JSON.parse(cli('retainers', files[2], '--class', 'Session', '--json')).target.object.id
  })

  const COMMANDS = {
    leaks: () => ['leaks', ...files],
    report: () => ['report', ...files, '-o', '-'],
    summary: () => ['summary', files[2], '--top', '0'],
    diff: () => ['diff', files[0], files[2], '--top', '0'],
    dominators: () => ['dominators', files[2], '--top', '5000'],
    'retainers of a class': () => ['retainers', files[2], '--class', 'Session'],
    'retainers of an object': () => ['retainers', files[2], '--id', String(id)],
  }

  for (const [name, command] of Object.entries(COMMANDS)) {
    it(`of ${name} has no secret in it`, () => {
      for (const form of name === 'report' ? [[]] : [[], ['--json']]) {
        assert.deepEqual(found(cli(...command(), ...form, '--redact')), [], `${name} ${form}`)
      }
    })
  }

  it('would have them, were it not redacted', () => {
    assert.ok(found(cli(...COMMANDS.leaks())).includes('leak'))
    // A page has lines of source for each suspect.
    const places = found(cli(...COMMANDS.report()))
    for (const place of ['leak', 'text of the program']) assert.ok(places.includes(place), `${place} in ${places}`)
    for (const name of ['summary', 'dominators', 'diff']) {
      assert.notDeepEqual(found(cli(...COMMANDS[name](), '--json')), [], name)
    }
  })

  it('leaves no copy behind', () => {
    assert.deepEqual(filesIn(temporary), [])
  })

  it('names what leaks', () => {
    const owners = (...flags) =>
      JSON.parse(cli('leaks', ...files, '--json', ...flags))
        .suspects.filter(({ owner }) => /^(sessions|seen|byUser)$/.test(owner))
        .map(({ owner, cause, counts, source, holder }) => ({ owner, cause, counts, source, holder }))
    const withoutText = (suspects) =>
      JSON.parse(JSON.stringify(suspects, (key, value) => (key === 'text' ? undefined : value)))
    assert.deepEqual(withoutText(owners('--redact')), withoutText(owners()))
    assert.equal(owners().length, 3)
  })

  it('is what openSnapshot and findLeaks answer with `redact`', async () => {
    const answers = async (redact) => {
      const [first, last] = await Promise.all([files[0], files[2]].map((file) => openSnapshot(file, { redact })))
      const given = [
        await last.summary(),
        await first.diff(last),
        await first.diff(files[2]),
        await last.retainers({ className: 'Session' }),
        await last.retainers({ id }),
        await findLeaks(files, { redact }),
      ]
      first.close()
      last.close()
      return given
    }
    const [redacted, plain] = [await answers(true), await answers(false)]
    for (const answer of redacted) assert.deepEqual(found(JSON.stringify(answer)), [])
    assert.ok(found(JSON.stringify(plain.at(-1))).includes('leak'))
    const session = ({ classes }) => classes.find(({ name }) => name === 'Session')
    assert.deepEqual(session(redacted[0]), session(plain[0]))
  })
})

describe('numbers', () => {
  const old = testedNodeMajor() < 20 && 'this Node writes no numbers into snapshots'

  it('that V8 was asked to expose are replaced', { skip: old }, async () => {
    const child = await run(`
      const numbers = [739146283, 74913.628125, -918273645.5, 6.02214076e23]
      global.kept = { pin: numbers[0], balance: numbers[1], list: numbers.slice(), boxed: numbers.map(Object) }
      require('v8').writeHeapSnapshot('exposed.heapsnapshot', { exposeNumericValues: true, exposeInternals: true })
      say(numbers.map(String))`)
    const [plain, redacted] = ['exposed', 'redacted'].map((name) => path.join(child.directory, `${name}.heapsnapshot`))
    execFileSync(process.execPath, [path.join(ROOT, 'cli.js'), 'redact', plain, redacted])
    const [before, after] = [plain, redacted].map((file) => new Set(JSON.parse(textOf(file)).strings))
    const shown = child.said[0].filter((number) => before.has(number))
    assert.ok(shown.length >= 2, `V8 wrote ${shown}`)
    for (const number of child.said[0]) assert.ok(!textOf(redacted).includes(number), number)
    assert.ok(after.has('heap number'))
  })
})
