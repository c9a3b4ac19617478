// Whether the published addon can be made again: builds this commit in two directories of different names, and compares.
//
//   node scripts/reproduce.mjs
//
// What the result depends on is named in the repository: Cargo.lock and package-lock.json for what is linked and bundled, the
// toolchain's version in scripts/portable.mjs. The version of Rust is not: the same one must be used, and is printed.

import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..')
const base = mkdtempSync(join(tmpdir(), 'rs-heapdump-reproduce-'))

try {
  const hashes = ['a', 'another-directory'].map((name) => build(join(base, name)))
  console.log(execFileSync('rustc', ['--version'], { encoding: 'utf8' }).trim())
  if (hashes[0] !== hashes[1]) throw new Error(`two builds differ: ${hashes.join(' ')}`)
  console.log(`sha256 ${hashes[0]}, twice`)
} finally {
  rmSync(base, { recursive: true, force: true })
}

/** The hash of the addon, built from the commit in a directory of its own. */
function build(directory) {
  execFileSync('git', ['clone', '--quiet', ROOT, directory])
  // What npm brings is the same for both, and is not in the addon but by what the page bundles.
  mkdirSync(join(ROOT, '.toolchains'), { recursive: true })
  for (const name of ['node_modules', '.toolchains']) symlinkSync(join(ROOT, name), join(directory, name))
  execFileSync(process.execPath, ['scripts/portable.mjs'], { cwd: directory, stdio: ['ignore', 2, 2] })
  const artifacts = join(directory, 'artifacts')
  const addon = readdirSync(artifacts).find((name) => name.endsWith('.node'))
  return createHash('sha256')
    .update(readFileSync(join(artifacts, addon)))
    .digest('hex')
}
