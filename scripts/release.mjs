// What is published, made from what the platforms built: `release/*.tgz`, the main package and one for each platform.
//
//   node scripts/release.mjs artifacts             all platforms of package.json, or it fails
//   node scripts/release.mjs artifacts --partial   those that are there, to try the packages out
//
// By napi-rs' conventions: the main package holds no addon, and has the platforms' packages as optional dependencies, of
// which npm installs the one that fits. Works in a directory of its own, so that the checkout stays as it is (there,
// `npm pack` makes one package with the addon of this platform in it, to be installed from the file).

import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..')
const PACKED_MAX_BYTES = 3_000_000

const [artifacts, ...flags] = process.argv.slice(2)
if (!artifacts) throw new Error('which directory has the addons? node scripts/release.mjs DIRECTORY [--partial]')
const release = resolve(process.env.RELEASE_DIRECTORY ?? join(ROOT, 'release'))
const stage = join(release, 'stage')

const partial = flags.includes('--partial')
const addons = readdirSync(artifacts, { withFileTypes: true })
  .flatMap((entry) => {
    const inside = join(artifacts, entry.name)
    // Downloaded artifacts have a directory each.
    if (entry.isDirectory() && !partial) return readdirSync(inside).map((name) => join(inside, name))
    return inside
  })
  .filter((name) => name.endsWith('.node'))
rmSync(release, { recursive: true, force: true })
mkdirSync(stage, { recursive: true })
stageMain()
collectAddons()
const tarballs = packAll()
for (const tarball of tarballs) {
  const { size } = statSync(join(release, tarball))
  if (size > PACKED_MAX_BYTES) throw new Error(`${tarball} is ${size} bytes, more than ${PACKED_MAX_BYTES}`)
  console.log(`${tarball}  ${(size / 1e6).toFixed(2)} MB`)
}

/** The files of the main package, without what only a checkout needs. */
function stageMain() {
  const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
  if (partial) manifest.napi.targets = manifest.napi.targets.filter((triple) => addons.some(isFor(triple)))
  const { scripts: _, devDependencies: __, ...published } = manifest
  published.files = manifest.files.filter((name) => name !== '*.node')
  // npm's provenance statement wants to know the repository that it is built from.
  const { GITHUB_SERVER_URL: server, GITHUB_REPOSITORY: repository } = process.env
  if (server && repository) published.repository = { type: 'git', url: `git+${server}/${repository}.git` }
  writeFileSync(join(stage, 'package.json'), `${JSON.stringify(published, null, 2)}\n`)
  for (const name of [...published.files, 'README.md', 'LICENSE', 'Cargo.toml']) {
    if (name !== 'THIRD-PARTY.md') cpSync(join(ROOT, name), join(stage, name), { recursive: true })
  }
  run(process.execPath, [
    join(ROOT, 'scripts', 'third-party.mjs'),
    ...(partial ? [] : ['--all']),
    join(stage, 'THIRD-PARTY.md'),
  ])
}

/** napi's own steps: a directory a platform, the addon in it, and the dependencies on these packages. */
function collectAddons() {
  napi('create-npm-dirs')
  const collected = join(stage, 'artifacts')
  for (const addon of addons) cpSync(addon, join(collected, basename(addon)))
  napi('artifacts', '--output-dir', 'artifacts')
  napi('pre-publish', '--tag-style', 'npm', '--skip-optional-publish', '--no-gh-release')
  rmSync(collected, { recursive: true })
  for (const name of readdirSync(stage)) if (name.endsWith('.node')) rmSync(join(stage, name))
  for (const platform of readdirSync(join(stage, 'npm'))) amend(join(stage, 'npm', platform))
}

/** A platform's package carries the licences of what is linked into it. */
function amend(directory) {
  for (const name of ['LICENSE', 'THIRD-PARTY.md']) cpSync(join(stage, name), join(directory, name))
  const file = join(directory, 'package.json')
  const manifest = JSON.parse(readFileSync(file, 'utf8'))
  const { repository } = JSON.parse(readFileSync(join(stage, 'package.json'), 'utf8'))
  writeFileSync(
    file,
    `${JSON.stringify({ ...manifest, repository, files: [...manifest.files, 'THIRD-PARTY.md'] }, null, 2)}\n`,
  )
}

/** The platforms first: the main package must not be there before what it depends on. */
function packAll() {
  const directories = readdirSync(join(stage, 'npm')).map((name) => join(stage, 'npm', name))
  return [...directories, stage].map((directory) => {
    const [{ filename, files }] = JSON.parse(
      run('npm', ['pack', directory, '--json', '--ignore-scripts', '--loglevel=error', '--pack-destination', release]),
    )
    const inside = files.filter(({ path }) => path.endsWith('.node')).length
    if (inside !== (directory === stage ? 0 : 1)) throw new Error(`${filename} holds ${inside} addons`)
    return filename
  })
}

function isFor(triple) {
  const [cpu, , os, abi] = triple.split('-')
  const arch = { x86_64: 'x64', aarch64: 'arm64' }[cpu]
  const platform = { linux: 'linux', darwin: 'darwin', windows: 'win32' }[os]
  const suffix = [platform, arch, abi].filter(Boolean).join('-')
  return (addon) => basename(addon) === `rs-heapdump.${suffix}.node`
}

function napi(...args) {
  run(join(ROOT, 'node_modules', '.bin', 'napi'), args)
}

function run(command, args) {
  return execFileSync(command, args, {
    cwd: stage,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
    shell: process.platform === 'win32',
  })
}
