// `rs-heapdump report`: a page from real snapshots, in a file that is whole and its owner's alone.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { after, before, describe, it } from 'node:test'
import { BROWSER, NO_BROWSER, startBrowser } from './browser.mjs'
import { CLI, NODE, run, temporaryDirectory } from './helpers.mjs'

const skipBrowser = !BROWSER && process.env.CI !== 'true' && NO_BROWSER

const EVIL = '</script><img src=x onerror=alert(1)><!--'

/** A Map that is only added to, and an array of objects whose only property has a hostile name. */
const LEAK = `
  const heapdump = require(ADDON)
  class Session { constructor(i) { this.url = 'https://example.org/' + i; this.notes = ['a', i] } }
  const sessions = new Map()
  const evil = []
  function open(count) {
    for (let i = 0; i < count; i++) { sessions.set('user:' + sessions.size, new Session(i)); evil.push({ [${JSON.stringify(EVIL)}]: [i] }) }
  }
  module.kept = { sessions, evil }
  open(50)
  heapdump.writeSnapshot('before.heapsnapshot')
  open(500)
  heapdump.writeSnapshot('between.heapsnapshot')
  open(2000)
  heapdump.writeSnapshot('after.heapsnapshot')`

describe('rs-heapdump report', () => {
  const directory = temporaryDirectory()
  const files = ['before', 'between', 'after'].map((name) => `${name}.heapsnapshot`)
  const page = path.join(directory, 'leak.html')

  function cli(...args) {
    return spawnSync(NODE, [CLI, ...args], {
      cwd: directory,
      encoding: 'utf8',
      maxBuffer: 1 << 28,
    })
  }

  before(() => run(LEAK, { cwd: directory }))

  it('writes a page that only its owner may read, and says so', () => {
    fs.writeFileSync(page, 'an older one', { mode: 0o644 })
    const { status, stdout, stderr } = cli('report', ...files, '-o', 'leak.html')
    assert.equal(status, 0, stderr)
    assert.match(stdout, /^leak\.html: \d suspects?, \d+ kB/)
    const { mode, size } = fs.statSync(page)
    assert.equal(mode & 0o777, 0o600)
    assert.ok(size > 50_000 && size < 2_000_000, `${size} bytes`)
    assert.deepEqual(
      fs.readdirSync(directory).filter((name) => name.startsWith('.')),
      [],
    )
  })

  it('tells programs the same', () => {
    const { stdout } = cli('report', ...files, '-o', 'json.html', '--json')
    const { version, file, bytes, suspects } = JSON.parse(stdout)
    assert.deepEqual(
      { version, file, bytes },
      { version: 1, file: 'json.html', bytes: fs.statSync(path.join(directory, 'json.html')).size },
    )
    assert.ok(suspects >= 1)
  })

  it('writes to standard output where asked to', () => {
    const { status, stdout } = cli('report', ...files, '-o', '-')
    assert.equal(status, 0)
    assert.match(stdout, /^<!doctype html>/)
    assert.equal(stdout.match(/<\/script>/g).length, 2)
  })

  it('has an error where a page cannot be written, and leaves nothing', () => {
    for (const target of ['missing/leak.html', '.']) {
      const { status, stderr, stdout } = cli('report', ...files, '-o', target)
      assert.equal(status, 2)
      assert.match(stderr, /ERR_HEAPDUMP_IO/)
      assert.equal(stdout, '')
    }
    assert.equal(cli('report', files[0], '-o', 'one.html').status, 2)
    assert.equal(cli('report', ...files).status, 2)
  })

  describe('in a browser', { skip: skipBrowser }, () => {
    let browser
    before(async () => {
      assert.ok(BROWSER, NO_BROWSER)
      browser = await startBrowser()
    })
    after(() => browser?.close())

    it('names the leak, and hostile classes are names', async () => {
      assert.equal(cli('report', ...files, '-o', 'leak.html').status, 0)
      const shown = await browser.open(page)
      assert.match(await shown.locator('h1').textContent(), /sessions.* grows: 50 → 2,550 entries, .* retained/)
      assert.match(await shown.title(), /sessions.* grows/)
      await shown.getByLabel('Search name or file').fill('<img')
      assert.equal(await shown.locator('.classes tbody code').first().textContent(), `{${EVIL}}`)
      assert.equal(await shown.locator('img').count(), 0)
      assert.deepEqual(await shown.complaints(), [])
    })
  })
})
