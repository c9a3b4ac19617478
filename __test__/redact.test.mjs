// redact: what strings contain never reaches the file, whatever held them, by every engine; and what is left is the
// same graph, as every analysis sees it.

import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { describe, it } from 'node:test'
import { filesIn, NO_LIVE, PARALLEL, ROOT, run, start, temporaryDirectory, textOf, VISITS } from './helpers.mjs'
import { leaked, PLANT } from './secrets.mjs'

const CLI = path.join(ROOT, 'cli.js')

/** Runs the command line on the Node that runs the tests. */
function cli(...args) {
  return execFileSync(process.execPath, [CLI, ...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
}

function json(command, ...args) {
  return JSON.parse(cli(command, ...args, '--json'))
}

function checkNothingLeaked(file, secrets) {
  const found = leaked(textOf(file), secrets)
  assert.deepEqual(found, [], `secrets of these places in ${path.basename(file)}`)
}

const ENGINES = {
  'by the synchronous form': `heapdump.writeSnapshot(options) ? done() : done(new Error('no snapshot'))`,
  'beside the loop': `heapdump.writeSnapshotAsync(options).then(function () { done() }, done)`,
  live: `heapdump.writeSnapshotAsync(Object.assign({ live: 'require' }, options)).then(function () { done() }, done)`,
}

describe('a thousand secrets', () => {
  for (const [engine, capture] of Object.entries(ENGINES)) {
    it(`${engine}: none is in the file`, { skip: engine === 'live' && NO_LIVE }, async () => {
      const child = await run(
        `${PLANT}
        planted(function () {
          const heapdump = require(ADDON)
          const options = { filename: 'redacted.heapsnapshot.gz', redact: true }
          function done(error) { if (error) throw error; tell(process.exit) }
          ${capture}
        })`,
        { args: [path.join(temporaryDirectory(), 'secrets.json')], env: { NOTE: 'n' } },
      )
      const secrets = JSON.parse(fs.readFileSync(child.said[0].secrets, 'utf8'))
      assert.ok(Object.keys(secrets).length >= 1000, `${Object.keys(secrets).length} secrets`)
      assert.deepEqual(filesIn(child.directory), ['redacted.heapsnapshot.gz'])
      checkNothingLeaked(path.join(child.directory, 'redacted.heapsnapshot.gz'), secrets)
    })
  }

  it('all of them are in a file that is not redacted, and none after the fact', async () => {
    const child = await run(
      `${PLANT}
      planted(function () {
        const heapdump = require(ADDON)
        heapdump.writeSnapshot('plain.heapsnapshot')
        tell(process.exit)
      })`,
      { args: [path.join(temporaryDirectory(), 'secrets.json')] },
    )
    const secrets = JSON.parse(fs.readFileSync(child.said[0].secrets, 'utf8'))
    const file = (name) => path.join(child.directory, name)
    // The scan finds what is there.
    const found = leaked(textOf(file('plain.heapsnapshot')), secrets)
    assert.ok(found.length > 20, `found in ${found}`)
    for (const name of ['after.heapsnapshot', 'after.heapsnapshot.gz', 'after.heapsnapshot.zst']) {
      cli('redact', file('plain.heapsnapshot'), file(name))
      checkNothingLeaked(file(name), secrets)
      assert.equal(fs.statSync(file(name)).mode & 0o777, 0o600)
    }
    // What is printed of it, too.
    for (const command of ['summary', 'dominators']) {
      checkText(cli(command, file('after.heapsnapshot'), '--json'), secrets)
    }
  })
})

function checkText(text, secrets) {
  assert.deepEqual(leaked(Buffer.from(text), secrets), [])
}

/** A file's parts, with names resolved. */
function parts(file) {
  const { snapshot, nodes, edges, strings, locations } = JSON.parse(textOf(file))
  const {
    node_fields: nodeFields,
    edge_fields: edgeFields,
    node_types: nodeTypes,
    edge_types: edgeTypes,
  } = snapshot.meta
  return { snapshot, nodes, edges, strings, locations, nodeFields, edgeFields, nodeTypes, edgeTypes }
}

describe('a redacted file', PARALLEL, () => {
  const made = run(`${VISITS}
    class Held { constructor(i) { this.sessionLabel = 'alice' + i + '@example.org'; this.twin = this.sessionLabel } }
    const kept = new Map()
    function keep(i) { kept.set('user ' + i, new Held(i)) }
    for (let i = 0; i < 100; i++) keep(i)
    module.kept = kept
    visit(100)
    heapdump.writeSnapshot('one.heapsnapshot')
    visit(400)
    heapdump.writeSnapshot('two.heapsnapshot')
    visit(900)
    heapdump.writeSnapshot('three.heapsnapshot')
  `).then(({ directory }) => {
    const key = path.join(directory, 'key')
    for (const name of ['one', 'two', 'three']) {
      const file = path.join(directory, name)
      cli('redact', `${file}.heapsnapshot`, `${file}.redacted.heapsnapshot`, '--key', key)
    }
    return {
      key,
      plain: ['one', 'two', 'three'].map((name) => path.join(directory, `${name}.heapsnapshot`)),
      redacted: ['one', 'two', 'three'].map((name) => path.join(directory, `${name}.redacted.heapsnapshot`)),
    }
  })

  it('has the same graph, number by number', async () => {
    const { plain, redacted } = await made
    const [before, after] = [parts(plain[0]), parts(redacted[0])]
    assert.deepEqual(after.snapshot.meta, before.snapshot.meta)
    assert.equal(after.snapshot.rs_heapdump.redacted, true)
    assert.equal(after.snapshot.rs_heapdump.pid, before.snapshot.rs_heapdump.pid)
    assert.deepEqual(after.locations, before.locations)
    const name = before.nodeFields.indexOf('name')
    const strip = (numbers, width, column) => numbers.filter((_, at) => at % width !== column)
    assert.deepEqual(
      strip(after.nodes, after.nodeFields.length, name),
      strip(before.nodes, before.nodeFields.length, name),
    )
    assert.deepEqual(strip(after.edges, 3, 1), strip(before.edges, 3, 1))
  })

  it('keeps lengths, and equal strings equal', async () => {
    const { plain, redacted } = await made
    const [before, after] = [parts(plain[0]), parts(redacted[0])]
    const width = before.nodeFields.length
    const string = before.nodeTypes[0].indexOf('string')
    const forms = new Map()
    let replaced = 0
    for (let node = 0; node < before.nodes.length; node += width) {
      if (before.nodes[node] !== string) continue
      const text = before.strings[before.nodes[node + 1]]
      const form = after.strings[after.nodes[node + 1]]
      assert.equal(form.length, text.length, text)
      if (form !== text) replaced++
      if (text.length < 14) continue
      assert.equal(forms.get(text) ?? form, form)
      forms.set(text, form)
    }
    assert.equal(new Set(forms.values()).size, forms.size, 'unequal strings stay unequal')
    assert.ok(replaced > 5000, `${replaced} replaced`)
  })

  it('gives the same figures and names', async () => {
    const { plain, redacted } = await made
    const withoutFiles = (value) =>
      JSON.parse(
        JSON.stringify(value, (key, part) => (['file', 'file_bytes', 'sample_keys'].includes(key) ? undefined : part)),
      )
    assert.deepEqual(withoutFiles(json('diff', ...redacted)), withoutFiles(json('diff', ...plain)))
    const names = (files) =>
      json('leaks', ...files).suspects.map(({ cause, owner, counts }) => ({ cause, owner, counts }))
    assert.deepEqual(names(redacted), names(plain))
    const held = json('summary', redacted[0]).classes.find((row) => row.name === 'Held')
    const heldBefore = json('summary', plain[0]).classes.find((row) => row.name === 'Held')
    assert.deepEqual(held, heldBefore)
    assert.equal(held.count, 100)
  })

  it('of another key has other tags', async () => {
    const { plain, redacted } = await made
    const other = `${redacted[0]}.other.heapsnapshot`
    cli('redact', plain[0], other)
    const tags = (file) => new Set(parts(file).strings.filter((text) => /^~\w{13}/.test(text)))
    const first = tags(redacted[0])
    assert.ok(first.size > 1000)
    for (const tag of tags(other)) assert.ok(!first.has(tag), tag)
    const { key } = await made
    assert.equal(fs.statSync(key).mode & 0o777, 0o600)
    assert.equal(fs.statSync(key).size, 16)
  })

  it('is made with a key that is whole, or not at all', async () => {
    const { plain } = await made
    const directory = temporaryDirectory()
    const refused = (key) => {
      const target = path.join(directory, 'out.heapsnapshot')
      const args = [CLI, 'redact', plain[0], target, '--key', path.join(directory, key)]
      const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' })
      assert.equal(status, 2)
      return stderr
    }
    for (const bytes of [0, 15, 17]) {
      fs.writeFileSync(path.join(directory, 'short'), Buffer.alloc(bytes))
      assert.match(refused('short'), /'.*short' is no key: it must have 16 bytes \[ERR_HEAPDUMP_ARGUMENT\]/)
    }
    fs.symlinkSync(path.join(directory, 'nowhere'), path.join(directory, 'dangling'))
    assert.match(refused('dangling'), /dangling.*ERR_HEAPDUMP_/)
    assert.match(refused('missing/key'), /missing.*ERR_HEAPDUMP_/)
    assert.deepEqual(filesIn(directory), ['dangling', 'short'])
  })

  it('says so in info', async () => {
    const { plain, redacted } = await made
    assert.match(cli('info', redacted[0]), /redacted/)
    assert.doesNotMatch(cli('info', plain[0]), /redacted +contents/)
    assert.equal(json('info', redacted[0]).provenance.redacted, true)
  })

  it('is not written over the first one, nor left in part', async () => {
    const { plain } = await made
    const refused = (...args) => {
      const { status, stderr } = spawnSync(process.execPath, [CLI, 'redact', ...args], { encoding: 'utf8' })
      assert.equal(status, 2)
      return stderr
    }
    const link = path.join(temporaryDirectory(), 'link.heapsnapshot')
    fs.symlinkSync(plain[0], link)
    for (const target of [plain[0], link]) assert.match(refused(plain[0], target), /ERR_HEAPDUMP_ARGUMENT/)
    const directory = temporaryDirectory()
    const cut = path.join(directory, 'cut.heapsnapshot')
    const whole = fs.readFileSync(plain[0])
    for (const length of [0, 100, whole.length >> 1, whole.length - 3]) {
      fs.writeFileSync(cut, whole.subarray(0, length))
      assert.match(refused(cut, path.join(directory, 'out.heapsnapshot')), /ERR_HEAPDUMP_FORMAT/)
    }
    assert.deepEqual(filesIn(directory), ['cut.heapsnapshot'])
  })
})

describe('redact while capturing', PARALLEL, () => {
  it('is asked for by configure and by the environment, for signals', {
    skip: process.platform === 'win32',
  }, async () => {
    for (const [script, options] of [
      [`heapdump.configure({ redact: true })`, {}],
      ['', { options: 'redact' }],
    ]) {
      const child = start(
        `const heapdump = require(ADDON); ${script}
        global.kept = ['hunter', 'two'].join('-is-the-word-')
        setInterval(function () {}, 1000); say('ready')`,
        options,
      )
      await child.says('ready')
      child.kill('SIGUSR2')
      const [file] = await child.snapshots()
      child.kill('SIGKILL')
      const text = textOf(file)
      assert.ok(text.includes('"redacted":true'))
      assert.ok(!text.includes('-is-the-word-') && !text.includes('hunter'))
    }
  })

  it('gives the snapshots of a process tags that compare', async () => {
    const child = await run(`const heapdump = require(ADDON)
      global.kept = { label: ['the', 'same', 'string'].join(' in both files ') }
      for (const filename of ['a.heapsnapshot', 'b.heapsnapshot']) heapdump.writeSnapshot({ filename, redact: true })`)
    const [a, b] = ['a', 'b'].map((name) => parts(path.join(child.directory, `${name}.heapsnapshot`)))
    const tags = ({ strings }) => new Set(strings.filter((text) => /^~\w{13}/.test(text)))
    const common = [...tags(a)].filter((tag) => tags(b).has(tag))
    assert.ok(common.length > 1000, `${common.length} in common`)
  })

  it('is refused where node:v8 would write the file', async () => {
    const child = await run(
      `const heapdump = require(ADDON)
      heapdump.writeSnapshotAsync({ filename: 'a.heapsnapshot', redact: true }).catch(function (error) {
        say(error.code); heapdump.writeSnapshot({ redact: true }, function (error) { say(error.code) })
      })`,
      { fault: 'no-v8-symbols' },
    )
    assert.deepEqual(child.said, ['ERR_HEAPDUMP_UNSUPPORTED', 'ERR_HEAPDUMP_UNSUPPORTED'])
    assert.deepEqual(filesIn(child.directory), [])
  })
})
