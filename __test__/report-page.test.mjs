// The report page in a browser: it works under its own policy, hostile names stay names, the keyboard and screen
// readers get everywhere, and it is small and quick.

import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import { after, before, describe, it } from 'node:test'
import axe from 'axe-core'
import { sample } from '../page/sample.mjs'
import { fill, TEMPLATE } from '../scripts/page.mjs'
import { BROWSER, NO_BROWSER, startBrowser } from './browser.mjs'
import { temporaryDirectory } from './helpers.mjs'

// The page is the same whatever Node the addon is tested on; once is enough.
const skip = process.env.HEAPDUMP_TEST_NODE ? 'as on any Node' : !BROWSER && process.env.CI !== 'true' && NO_BROWSER

/** Every way that a name could try to become something else. */
const HOSTILE = [
  '</script><img src=x onerror="alert(1)">',
  '<!--<script>alert(2)',
  '<svg onload=alert(3)>',
  ']]><script>alert(4)</script>',
  '"><a href="javascript:alert(5)">x</a>',
  '{{data}} $& $` $1 &lt;b&gt; &amp;',
  '\u202egnp.exe\u202c\u2066hidden\u2069',
  'nul\u0000bell\u0007escape\u001b[31m',
  'line\nfeed\r\ttab\u2028separator\u2029',
  'half \ud800 and \udfff',
  'zero\u200bwidth\ufeff',
  '__proto__',
  'constructor',
  'toString',
  '',
]

/** The sample with this name wherever a name can stand. */
function withName(name) {
  const source = { file: name, line: 3, column: 5, function: name }
  const data = sample({ classes: 20 })
  data.title = name
  data.generated_by = name
  data.leaks.notes = [name]
  data.leaks.suspects = data.leaks.suspects.map((suspect) => ({
    ...suspect,
    name,
    why: name,
    advice: name,
    owner: name,
    sample_keys: [name],
    grows: { class: name, counts: [1, 2, 3] },
    source,
    holder: source,
    frames: [{ of: 'source', ...source, first_line: 1, lines: [name, name, name], warning: name }],
    path: [{ edge: name, node: name, class: `${name}.`, id: 1, script: source }],
  }))
  for (const snapshot of data.leaks.snapshots) snapshot.file = name
  for (const row of data.diff.classes) Object.assign(row, { name, script: source })
  const rename = (owner) => ({ ...owner, name, children: owner.children.map(rename) })
  data.owners = data.owners.map(rename)
  return data
}

describe('the report page', { skip }, () => {
  const directory = temporaryDirectory()
  let browser
  let files = 0
  let template

  before(async () => {
    assert.ok(BROWSER, NO_BROWSER)
    template = fs.readFileSync(TEMPLATE, 'utf8')
    browser = await startBrowser()
  })
  after(() => browser?.close())

  function write(data) {
    files += 1
    const file = path.join(directory, `page-${files}.html`)
    fs.writeFileSync(file, fill(template, data))
    return file
  }

  it('shows the answer first, without an error, a violation of its policy, or a request', async () => {
    const page = await browser.open(write(sample()))
    assert.equal(
      await page.locator('h1').textContent(),
      'sessions in store.js grows: 1,200 → 4,800 entries, 38.2 MiB retained',
    )
    assert.equal(await page.title(), 'sessions grows')
    assert.equal(await page.locator('.suspects > li').count(), 3)
    assert.equal(await page.locator('.suspects > li > details[open]').count(), 1)
    assert.equal(await page.locator('.chart .column').count(), 12)
    assert.match(await page.locator('.frame').first().textContent(), /▸ 24 {4}.*new Session/)
    await page.getByRole('link', { name: '2 more suspects' }).click()
    await page.locator('summary', { hasText: 'bus._events.price' }).click()
    await page.getByRole('button', { name: 'Show 5 steps in between' }).click()
    assert.equal(await page.locator('.path').nth(1).locator('li').count(), 16)
    await page.getByText('Growth only').click()
    await page.getByRole('button', { name: 'Dark theme' }).click()
    assert.equal(await page.locator('html').getAttribute('data-theme'), 'dark')
    assert.deepEqual(await page.complaints(), [])
  })

  it('allows one script and one style sheet by their hashes, and no markup from strings', async () => {
    const policy = /http-equiv="Content-Security-Policy" content="([^"]*)"/.exec(template)[1]
    assert.match(policy, /^default-src 'none'; script-src 'sha256-[\w+/=]+'; style-src 'sha256-[\w+/=]+'; /)
    assert.doesNotMatch(policy, /unsafe|https?:|\*/)
    const page = await browser.open(write(sample()))
    await page.evaluate(() => {
      const script = document.createElement('script')
      try {
        script.textContent = 'globalThis.hacked = true'
      } catch {}
      document.body.append(script)
      const style = document.createElement('style')
      style.textContent = 'body { display: none }'
      document.body.append(style)
      try {
        document.body.insertAdjacentHTML('beforeend', '<img src=x onerror="globalThis.hacked = true">')
      } catch {}
    })
    assert.equal(await page.evaluate(() => globalThis.hacked), undefined)
    assert.ok(await page.locator('h1').isVisible())
    assert.notDeepEqual(await page.complaints(), [])
  })

  it('carries the licences of the libraries in it', () => {
    for (const name of ['d3-array', 'd3-hierarchy', 'd3-path', 'd3-shape'])
      assert.ok(template.includes(`${name} 3`), name)
    assert.ok(template.includes('Permission to use, copy, modify'))
  })

  it('shows hostile names as names', async () => {
    const harmless = await browser.open(write(withName('harmless')))
    const tags = (page) =>
      page.evaluate(() => [...new Set([...document.querySelectorAll('*')].map((e) => e.tagName))].sort())
    const expected = await tags(harmless)
    for (const name of HOSTILE) {
      const file = write(withName(name))
      const html = fs.readFileSync(file, 'utf8')
      assert.equal(html.match(/<\/script>/g).length, template.match(/<\/script>/g).length)
      const page = await browser.open(file)
      const foreign = (await tags(page)).filter((tag) => !expected.includes(tag))
      assert.deepEqual(foreign, [], name)
      assert.deepEqual(await page.complaints(), [], name)
      const text = await page.evaluate(() => document.querySelector('main').textContent + document.title)
      assert.doesNotMatch(text.replaceAll('\n', ''), /[\p{Cc}\p{Cs}\p{Cf}\u2028\u2029]/u, name)
      if (name.includes('<')) assert.ok(text.includes(name), name)
      await page.context().close()
    }
    await harmless.context().close()
  })

  it('spells out what would reorder or hide text', async () => {
    const page = await browser.open(write(withName('\u202egnp.exe \ud800')))
    assert.match(await page.locator('h1').textContent(), /\\u202egnp\.exe \\ud800/)
    const row = page.locator('.classes tbody tr').first()
    assert.match(await row.textContent(), /\\u202egnp/)
  })

  it('takes names of 100 kB without falling over', async () => {
    const page = await browser.open(write(withName('M'.repeat(100_000))), { viewport: { width: 360, height: 740 } })
    assert.ok((await page.locator('h1').textContent()).length < 300)
    assert.ok((await page.evaluate(() => document.documentElement.scrollWidth)) <= 360)
    assert.deepEqual(await page.complaints(), [])
  })

  it('sorts and searches classes by keyboard', async () => {
    const page = await browser.open(write(sample()))
    const heads = page.locator('.classes thead th')
    const first = () => page.locator('.classes tbody th code').first().textContent()
    const column = async (at) =>
      (await page.locator(`.classes tbody td:nth-child(${at})`).allTextContents()).map((text) =>
        Number(text.replaceAll(',', '').replace('−', '-')),
      )
    assert.equal(await heads.nth(1).getAttribute('aria-sort'), 'descending')
    await page.getByRole('button', { name: 'Number of new ones' }).focus()
    await page.keyboard.press('Enter')
    assert.equal(await heads.nth(1).getAttribute('aria-sort'), null)
    assert.equal(await heads.nth(6).getAttribute('aria-sort'), 'descending')
    const falling = await column(7)
    assert.deepEqual(
      falling,
      falling.toSorted((a, b) => b - a),
    )
    await page.keyboard.press('Space')
    assert.equal(await heads.nth(6).getAttribute('aria-sort'), 'ascending')
    const rising = await column(7)
    assert.deepEqual(
      rising,
      rising.toSorted((a, b) => a - b),
    )
    await page.getByRole('button', { name: 'Constructor' }).press('Enter')
    assert.equal(await first(), 'Buffer')

    await page.getByLabel('Search name or file').focus()
    await page.keyboard.type('PRICEalert1')
    assert.match(await page.locator('.status').textContent(), /^31 of 31 classes$/)
    assert.equal(await first(), 'PriceAlert1')
    await page.keyboard.type('no such class')
    assert.match(await page.locator('.status').textContent(), /^0 of 0 classes$/)
    await page.getByLabel('Search name or file').fill('')
    await page.getByLabel('grew at every step').press('Space')
    for (const text of await page.locator('.classes tbody tr').allTextContents()) assert.match(text, /\+/)
  })

  it('shows more classes on demand, and says how many there are', async () => {
    const page = await browser.open(write(sample({ classes: 300, total: 9_000 })))
    assert.equal(await page.locator('.status').textContent(), '50 of 300 classes, of the first 300 of 9,000 by growth')
    await page.getByRole('button', { name: 'Show 200 more' }).press('Enter')
    assert.equal(await page.locator('.classes tbody tr').count(), 250)
    assert.ok(await page.evaluate(() => document.activeElement.closest('tr').rowIndex === 51))
  })

  it('gives owners as a tree that arrows move in, with names and figures', async () => {
    const page = await browser.open(write(sample()))
    const tree = page.getByRole('tree', { name: 'Retained growth by owner' })
    assert.equal(await tree.getByRole('treeitem').count(), 11)
    for (const item of await tree.getByRole('treeitem').all())
      assert.match(
        await item.getAttribute('aria-label'),
        /^.+: \+[\d.]+ \w+, (< )?\d+ % of what owners gained(, suspect \d)?$/,
      )
    assert.equal(await tree.locator('[tabindex="0"]').count(), 1)
    await tree.locator('[tabindex="0"]').focus()
    const focused = () => page.evaluate(() => document.activeElement.getAttribute('aria-label')?.split(':')[0])
    const walk = [
      ['ArrowRight', 'sessions'],
      ['ArrowRight', 'Session.headers'],
      ['ArrowDown', 'Session.cart'],
      ['ArrowUp', 'Session.headers'],
      ['ArrowLeft', 'sessions'],
      ['ArrowLeft', '/srv/shop/src/store.js'],
      ['ArrowDown', '/srv/shop/src/prices.js'],
      ['End', '(compiled code)'],
      ['Home', '/srv/shop/src/store.js'],
    ]
    for (const [key, name] of walk) {
      await page.keyboard.press(key)
      assert.equal(await focused(), name, key)
    }
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('Enter')
    assert.equal(await tree.getByRole('treeitem', { name: /store/ }).count(), 0)
    assert.match(await page.locator('.chosen').textContent(), /^\/srv\/shop\/src\/prices\.js \+2\.4 MiB/)
    await page.keyboard.press('Escape')
    assert.equal(await tree.getByRole('treeitem').count(), 11)
  })

  for (const colorScheme of ['light', 'dark']) {
    it(`has no fault that axe finds, ${colorScheme}`, async () => {
      for (const data of [sample(), sample({ suspects: [], owners: [] })]) {
        const page = await browser.open(write(data), { colorScheme, inspected: true, reducedMotion: 'reduce' })
        assert.equal(await page.locator('html').getAttribute('data-theme'), colorScheme)
        await page.evaluate(() => {
          for (const details of document.querySelectorAll('details')) details.open = true
        })
        await page.evaluate(axe.source)
        const { violations, passes } = await page.evaluate(() => globalThis.axe.run())
        const found = violations.map(
          ({ id, impact, nodes }) => `${impact} ${id}: ${nodes.map((node) => node.html).slice(0, 3)}`,
        )
        assert.deepEqual(found, [])
        assert.ok(passes.some(({ id }) => id === 'color-contrast'))
        await page.context().close()
      }
    })
  }

  it('fits a phone', async () => {
    const page = await browser.open(write(sample()), { viewport: { width: 360, height: 740 } })
    await page.evaluate(() => {
      for (const details of document.querySelectorAll('details')) details.open = true
    })
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 360)
    assert.equal(await page.locator('.suspects .numbers').first().isVisible(), true)
  })

  it('prints all of it, in light', async () => {
    const page = await browser.open(write(sample()), { colorScheme: 'dark' })
    await page.emulateMedia({ media: 'print' })
    assert.equal(await page.evaluate(() => getComputedStyle(document.body).color), 'rgb(31, 32, 35)')
    assert.equal(await page.locator('nav').isVisible(), false)
    await page.evaluate(() => dispatchEvent(new Event('beforeprint')))
    assert.equal(await page.locator('.suspects details:not([open])').count(), 0)
  })

  it('says so where nothing leaks, and where little is known', async () => {
    const data = sample({ suspects: [], owners: [], classes: 0 })
    data.leaks.ids = 'unstable'
    delete data.leaks.growth
    const page = await browser.open(write(data))
    assert.equal(await page.locator('h1').textContent(), 'Nothing here grows without end')
    assert.match(await page.locator('.note').first().textContent(), /do not compare/)
    assert.deepEqual(await page.complaints(), [])
  })

  it('is small and quick with 2,000 classes', async (test) => {
    const file = write(sample({ classes: 2000 }))
    const { size } = fs.statSync(file)
    assert.ok(size < 2e6, `${size} bytes`)
    const times = []
    for (let round = 0; round < 5; round++) {
      const page = await browser.open(file)
      times.push(await page.evaluate(() => performance.getEntriesByType('navigation')[0].loadEventEnd))
      await page.context().close()
    }
    const median = times.toSorted((a, b) => a - b)[2]
    test.diagnostic(`${(size / 1e3).toFixed(0)} kB, of which the template ${(template.length / 1e3).toFixed(0)} kB`)
    test.diagnostic(`loaded after ${median.toFixed(0)} ms (median of five)`)
    assert.ok(median < 3000, `${median} ms`)
  })
})
