// THIRD-PARTY.md: the licences of the crates that are linked into the addon. Made whenever the package is packed.
//
//   node scripts/third-party.mjs                      for this platform
//   node scripts/third-party.mjs --all [FILE]         for all platforms that are built (package.json, napi.targets)
//
// Crates say in Cargo.toml which licences they offer, and bring the texts along. Where there is a choice that holds MIT, ours is
// MIT. Crates that only help to build (procedural macros, build scripts, tests) are not in the addon. The licences of
// the report page's libraries are in the page itself (scripts/page.mjs).

import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..')
const TEXT = /^(licen[cs]e|copying|notice|unlicense)/i
/** Libraries in C that a crate has inside, and where their licence is. */
const BUNDLED = { 'zstd-sys': ['zstd/LICENSE'] }

const [, , ...args] = process.argv
const file = args.find((arg) => !arg.startsWith('--')) ?? join(ROOT, 'THIRD-PARTY.md')
const platforms = args.includes('--all') ? targets() : [hostTriple()]
const crates = new Map()
for (const platform of platforms) for (const crate of linked(platform)) crates.set(crate.id, crate)
writeFileSync(file, notices([...crates.values()]))

function targets() {
  return JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')).napi.targets
}

function hostTriple() {
  return /^host: (.+)$/m.exec(execFileSync('rustc', ['-vV'], { encoding: 'utf8' }))[1]
}

/** What `rs-heapdump` needs at run time on a platform, itself left out. */
function linked(platform) {
  const metadata = JSON.parse(
    execFileSync('cargo', ['metadata', '--format-version=1', '--locked', `--filter-platform=${platform}`], {
      cwd: ROOT,
      encoding: 'utf8',
      maxBuffer: 256 << 20,
      stdio: ['ignore', 'pipe', 'inherit'],
    }),
  )
  const packages = new Map(metadata.packages.map((each) => [each.id, each]))
  const nodes = new Map(metadata.resolve.nodes.map((each) => [each.id, each]))
  const isMacro = (id) => packages.get(id).targets.some(({ kind }) => kind.includes('proc-macro'))
  const found = new Set()
  const waiting = [metadata.resolve.root]
  while (waiting.length > 0) {
    for (const { pkg, dep_kinds: kinds } of nodes.get(waiting.pop()).deps) {
      if (found.has(pkg) || isMacro(pkg) || !kinds.some(({ kind }) => kind === null)) continue
      found.add(pkg)
      waiting.push(pkg)
    }
  }
  return [...found].map((id) => packages.get(id))
}

function notices(crates) {
  crates.sort((a, b) => (a.name < b.name ? -1 : 1))
  const table = crates.map(({ name, version, license }) => `| ${name} | ${version} | ${license} |`)
  const byText = new Map()
  for (const crate of crates) {
    for (const text of texts(crate)) byText.set(text, [...(byText.get(text) ?? []), `${crate.name} ${crate.version}`])
  }
  const sections = [...byText].map(([text, names]) => `## ${names.join(', ')}\n\n\`\`\`\n${text}\n\`\`\``)
  return [
    '# Third-party software in the addon',
    'The addon is linked with these crates, and with the standard library of Rust (MIT OR Apache-2.0).',
    ['| crate | version | licence |', '| --- | --- | --- |', ...table].join('\n'),
    ...sections,
    '',
  ].join('\n\n')
}

/** The licence texts of a crate: MIT's alone, where that is enough. */
function texts({ name, license, manifest_path: manifest }) {
  const directory = dirname(manifest)
  const names = readdirSync(directory).filter((each) => TEXT.test(each))
  const mit = /\bMIT\b/.test(license ?? '') && !/\bAND\b/.test(license) && names.filter((each) => /mit/i.test(each))
  const chosen = [...(mit?.length > 0 ? mit : names), ...(BUNDLED[name] ?? [])].map((each) => join(directory, each))
  return chosen
    .filter((each) => existsSync(each))
    .map((each) => readFileSync(each, 'utf8').trim().replaceAll('\r\n', '\n'))
}
