// The pictures in docs/: the report page, photographed, and the chart of pauses, drawn from what the bench measured.
//
//   npm run demo && node scripts/pictures.mjs               docs/report.png of the demo's page, and docs/pause.svg
//   node scripts/pictures.mjs .demo/cache/leak.html         another page
//
// A checkout's path is in the page: the one in docs/ was made in /srv/rs-heapdump. Needs a Chromium.

import { readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startBrowser } from '../__test__/browser.mjs'

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..')
/** As in bench/LIVE.md, and as they are called in the chart; ours first. */
const CAPTURES = new Map([
  ['live', 'rs-heapdump, live'],
  ['in-process', 'rs-heapdump, in process'],
  ['v8', 'v8.writeHeapSnapshot'],
  ['heapdump', 'heapdump 0.3.15'],
])

await photograph(resolve(process.argv[2] ?? join(ROOT, '.demo', 'closure-listener', 'leak.html')))
writeFileSync(join(ROOT, 'docs', 'pause.svg'), chart(stalls(readFileSync(join(ROOT, 'bench', 'LIVE.md'), 'utf8'))))

async function photograph(file) {
  const browser = await startBrowser()
  const page = await browser.open(file, { colorScheme: 'light', viewport: { width: 1120, height: 980 } })
  await page.screenshot({ path: join(ROOT, 'docs', 'report.png') })
  await browser.close()
}

/** The longest stall of each capture under load, in milliseconds: a column of the first table. */
function stalls(results) {
  const rows = results.split('\n').map((line) => line.split('|').map((cell) => cell.trim()))
  const column = rows.find((row) => row.includes('stall ms')).indexOf('stall ms')
  return [...CAPTURES].map(([name, label]) => ({ label, ms: Number(rows.find((row) => row[1] === name)[column]) }))
}

/** Bars to scale, from nought: a logarithm would hide what matters. */
function chart(bars) {
  const [width, left, rowHeight, top] = [760, 200, 34, 46]
  const height = top + bars.length * rowHeight + 12
  const longest = Math.max(...bars.map(({ ms }) => ms))
  const scale = (width - left - 90) / longest
  const rows = bars.map(({ label, ms }, at) => {
    const y = top + at * rowHeight
    const length = Math.max(ms * scale, 2)
    return [
      `<text x="${left - 12}" y="${y + 16}" text-anchor="end" class="label">${label}</text>`,
      `<rect x="${left}" y="${y}" width="${length.toFixed(1)}" height="22" rx="3" class="${at === 0 ? 'ours' : 'others'}"/>`,
      `<text x="${(left + length + 8).toFixed(1)}" y="${y + 16}" class="figure">${seconds(ms)}</text>`,
    ].join('\n  ')
  })
  const title = 'How long a server stands still for a snapshot (500 MB of heap, Node 24, under load)'
  const told = bars.map(({ label, ms }) => `${label} ${seconds(ms)}`).join(', ')
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-label="${title}: ${told}">
  <style>
    text { font: 14px system-ui, sans-serif; fill: #24292f }
    .title { font-weight: 600 }
    .figure { font-variant-numeric: tabular-nums }
    .ours { fill: #1a7f37 }
    .others { fill: #8c959f }
    @media (prefers-color-scheme: dark) { text { fill: #e6edf3 } .ours { fill: #3fb950 } .others { fill: #6e7681 } }
  </style>
  <text x="12" y="26" class="title">${title}</text>
  ${rows.join('\n  ')}
</svg>
`
}

function seconds(ms) {
  return ms < 1000 ? `${(ms / 1000).toFixed(2)} s` : `${(ms / 1000).toFixed(1)} s`
}
