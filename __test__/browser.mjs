// A browser for the tests of the report page: Debian's Chromium, headless, with a profile of its own.
//
//   const browser = await startBrowser()           // null where there is none, which CI does not forgive
//   const page = await browser.open(file, { colorScheme: 'dark' })
//   page.complaints                                // errors, violations of the policy, requests beyond the file

import fs from 'node:fs'
import { pathToFileURL } from 'node:url'
import { chromium } from 'playwright-core'

const CANDIDATES = [process.env.CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/** What to do where there is no browser. */
export const NO_BROWSER = 'no Chromium: apt-get install chromium, or name one in CHROMIUM'

/** The browser's path, or undefined. */
export const BROWSER = CANDIDATES.find((candidate) => candidate && fs.existsSync(candidate))

/** Starts it. Playwright gives it a fresh profile, which goes with it. */
export async function startBrowser() {
  const browser = await chromium.launch({ executablePath: BROWSER, headless: true, args: FLAGS })
  return { open: (file, options) => open(browser, file, options), close: () => browser.close() }
}

async function open(browser, file, { inspected = false, ...options } = {}) {
  // Only what a test itself brings in is above the page's policy.
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, bypassCSP: inspected, ...options })
  const page = await context.newPage()
  const url = pathToFileURL(file).href
  const complaints = []
  page.on('console', (message) => complaints.push(`console ${message.type()}: ${message.text()}`))
  page.on('pageerror', (error) => complaints.push(`error: ${error.message}`))
  page.on('dialog', (dialog) => {
    complaints.push(`dialog: ${dialog.message()}`)
    void dialog.dismiss()
  })
  page.on('request', (request) => {
    if (request.url().split('#')[0] !== url && !request.url().startsWith('data:'))
      complaints.push(`request: ${request.url()}`)
  })
  await page.addInitScript(() => {
    globalThis.violations = []
    addEventListener('securitypolicyviolation', (event) => {
      globalThis.violations.push(`${event.violatedDirective}: ${event.blockedURI}`)
    })
  })
  await page.goto(url)
  await page.locator('h1').waitFor()
  return Object.assign(page, {
    complaints: async () => [...complaints, ...(await page.evaluate(() => globalThis.violations))],
  })
}
