// Builds the report page: page/ with its libraries, bundled into one HTML file without its data, which the
// Rust side embeds (src/report/html). Runs before every `npm run build`.
//
//   node scripts/page.mjs                    writes page/dist/page.html, if anything has changed
//   node scripts/page.mjs --sample FILE      and FILE, with the sample data of page/sample.mjs, to look at
//
// The page's policy allows the one script and the one style sheet that are in it, by their hashes, and
// nothing else; `require-trusted-types-for` forbids making markup from strings. The licences of the libraries go with it.

import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const source = join(root, 'page')
/** Where the template is, which both sides read. */
export const TEMPLATE = join(source, 'dist', 'page.html')
/** What stands in for the data. */
const DATA = '{{data}}'
const BROWSERS = ['chrome109', 'firefox115', 'safari16.4']

/** The template with this data: what the Rust side does too. */
export function fill(template, data) {
  const escaped = JSON.stringify(data).replace(
    /[<>&\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
  return template.replace(DATA, () => escaped)
}

async function bundle(entry) {
  const { outputFiles, metafile } = await build({
    entryPoints: [join(source, entry)],
    bundle: true,
    minify: true,
    format: 'iife',
    target: BROWSERS,
    charset: 'utf8',
    legalComments: 'none',
    metafile: true,
    write: false,
    absWorkingDir: root,
    outdir: 'page/dist',
  })
  const [{ text }] = outputFiles
  // Either would end the element, or begin a comment that hides its end.
  if (/<\/(script|style)|<!--/i.test(text)) throw new Error(`${entry}: the bundle cannot stand in HTML`)
  return { text: text.trim(), inputs: Object.keys(metafile.inputs) }
}

/** The licences of the packages that are in a bundle, as a comment. */
function licences(inputs) {
  const names = new Set(inputs.flatMap((input) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(input)?.[1] ?? []))
  const byText = new Map()
  for (const name of [...names].sort()) {
    const directory = join(root, 'node_modules', name)
    const { version } = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8'))
    const text = readFileSync(join(directory, 'LICENSE'), 'utf8').trim()
    byText.set(text, [...(byText.get(text) ?? []), `${name} ${version}`])
  }
  const all = [...byText].map(([text, titles]) => `${titles.join(', ')}\n\n${text}`)
  return `/*! Includes:\n\n${all.join('\n\n---\n\n').replaceAll('*/', '* /')}\n*/`
}

const hash = (text) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`

/** The template's text. */
export async function page() {
  const [script, style] = await Promise.all([bundle('main.mjs'), bundle('style.css')])
  const parts = {
    script: `${licences(script.inputs)}\n${script.text}`,
    style: style.text,
  }
  const policy = [
    "default-src 'none'",
    `script-src ${hash(parts.script)}`,
    `style-src ${hash(parts.style)}`,
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join('; ')
  let html = readFileSync(join(source, 'index.html'), 'utf8')
  // By function: a replacement's text would have `$` mean something.
  const put = (place, text) => {
    if (!place.test(html)) throw new Error(`page/index.html has no ${place}`)
    html = html.replace(place, () => text)
  }
  put(/(?<=content=")policy(?=")/, policy)
  put(/(?<=<style>)[^<]*/, parts.style)
  put(/"data"(?=\s*<\/script>)/, DATA)
  put(/(?<=<script>)[^<]*/, parts.script)
  if (html.split(DATA).length !== 2) throw new Error('the page has more than one place for data')
  return html
}

if (process.argv[1] && basename(process.argv[1]) === 'page.mjs') {
  const template = await page()
  // Cargo builds anew when the file is touched.
  if (!existsSync(TEMPLATE) || readFileSync(TEMPLATE, 'utf8') !== template) {
    mkdirSync(dirname(TEMPLATE), { recursive: true })
    writeFileSync(TEMPLATE, template)
  }
  const at = process.argv.indexOf('--sample')
  if (at > 0) {
    const { sample } = await import('../page/sample.mjs')
    writeFileSync(process.argv[at + 1], fill(template, sample()))
  }
}
