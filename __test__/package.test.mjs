// The package: what is in it, that it installs into an empty project without a registry, a script or a compiler, and
// what it says where the addon does not load.

import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { before, describe, it } from 'node:test'
import { checkFloor } from '../scripts/glibc-floor.mjs'
import { capture, install, npm } from '../scripts/smoke.mjs'
import { NODE, ROOT, temporaryDirectory, whyNotWorking } from './helpers.mjs'

const PACKED_MAX_BYTES = 3_000_000
const FILES = [
  'index.js',
  'index.d.ts',
  'load.js',
  'cli.js',
  'snapshot.js',
  'options.js',
  'binding.js',
  'README.md',
  'LICENSE',
]
/** Made by `npm run build:portable`. */
const PORTABLE = path.join(ROOT, 'artifacts', 'rs-heapdump.linux-x64-gnu.node')

const NOT_LINUX_X64 =
  (process.platform !== 'linux' || process.arch !== 'x64' || !process.report.getReport().header.glibcVersionRuntime) &&
  'what is simulated here is Linux on x64 with glibc'
/** The matrix has what does not depend on the Node under test behind it. */
const ONCE = process.env.HEAPDUMP_TEST_NODE && 'the same whatever the Node under test is'
const NOT_PORTABLE = !fs.existsSync(PORTABLE) && 'artifacts/ has no addon: npm run build:portable'
const NO_OBJDUMP = NOT_LINUX_X64 || whyNotWorking('objdump', ['--version'], 'symbols are read by objdump')

/** The Node under test; all that are here where none was asked for. */
function nodes() {
  if (process.env.HEAPDUMP_TEST_NODE) return [NODE]
  const directory = path.join(ROOT, '.nodes')
  const versions = fs.existsSync(directory) ? fs.readdirSync(directory) : []
  const others = versions.map((version) => path.join(directory, version, 'bin', 'node'))
  return [NODE, ...others.filter((node) => fs.existsSync(node))]
}

function readJson(file) {
  return JSON.parse(fs.readFileSync(file, 'utf8'))
}

function addonsIn(directory) {
  return fs.readdirSync(directory).filter((name) => name.endsWith('.node'))
}

/** Packs into a new directory, and tells npm's account of it. */
function pack(directory = ROOT) {
  const destination = temporaryDirectory()
  const printed = npm(['pack', directory, '--json', '--pack-destination', destination], ROOT)
  const [account] = JSON.parse(printed.slice(printed.indexOf('[')))
  return { ...account, file: path.join(destination, account.filename) }
}

function installed(...tarballs) {
  const project = temporaryDirectory()
  install(project, tarballs)
  return project
}

describe('the package', () => {
  let packed

  before(() => {
    packed = pack()
  })

  it('holds what it needs and no more, in less than 3 MB', () => {
    const names = packed.files.map(({ path }) => path)
    for (const name of [...FILES, 'THIRD-PARTY.md']) assert.ok(names.includes(name), `${name} is missing`)
    const strange = names.filter((name) => !/^[\w.-]+\.(js|ts|md|json|node)$/.test(name) && name !== 'LICENSE')
    assert.deepEqual(strange, [])
    assert.ok(packed.size < PACKED_MAX_BYTES, `${packed.size} bytes`)
  })

  it('brings the licences of what is linked into the addon', () => {
    const text = fs.readFileSync(path.join(ROOT, 'THIRD-PARTY.md'), 'utf8')
    for (const crate of ['napi', 'memchr', 'zstd-sys']) {
      assert.match(text, new RegExp(`^\\| ${crate} \\| [\\d.+a-z]+ \\| .*\\S \\|$`, 'm'), crate)
    }
    assert.doesNotMatch(text, /^\| (libfuzzer-sys|napi-build|napi-derive) \|/m, 'not linked')
    assert.match(text, /Permission is hereby granted/)
    assert.match(text, /Copyright \(c\) Meta Platforms/, 'zstd itself')
  })

  it('installs into an empty project, offline, without scripts, and captures on each Node', () => {
    const project = installed(packed.file)
    for (const node of nodes()) capture(node, project)
  })

  it('as released has no addon in it, and finds the one of the platform', { skip: ONCE || NOT_LINUX_X64 }, () => {
    const directory = path.join(temporaryDirectory(), 'release')
    const addons = NOT_PORTABLE ? '.' : 'artifacts'
    execFileSync(process.execPath, ['scripts/release.mjs', addons, '--partial'], {
      cwd: ROOT,
      env: { ...process.env, RELEASE_DIRECTORY: directory },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const tarballs = fs.readdirSync(directory).filter((name) => name.endsWith('.tgz'))
    assert.equal(tarballs.length, 2, tarballs.join())
    const project = installed(...tarballs.map((name) => path.join(directory, name)))
    const modules = path.join(project, 'node_modules')
    assert.deepEqual(addonsIn(path.join(modules, 'rs-heapdump')), [])
    assert.equal(addonsIn(path.join(modules, 'rs-heapdump-linux-x64-gnu')).length, 1)
    const { optionalDependencies, scripts } = readJson(path.join(modules, 'rs-heapdump', 'package.json'))
    assert.deepEqual(Object.keys(optionalDependencies), ['rs-heapdump-linux-x64-gnu'])
    assert.equal(scripts, undefined)
    for (const node of nodes()) capture(node, project)
  })

  it('cannot be published from a checkout', () => {
    const { status, stderr } = spawnSync('npm', ['run', '--silent', 'prepublishOnly'], { cwd: ROOT, encoding: 'utf8' })
    assert.notEqual(status, 0)
    assert.match(stderr, /release\.mjs/)
  })

  it('asks for no newer glibc than 2.17 where it is built to be published', { skip: NOT_PORTABLE }, () => {
    checkFloor(PORTABLE, '2.17')
  })

  it('tells the floor of any addon, and what is above it', { skip: NO_OBJDUMP }, () => {
    const [addon] = addonsIn(ROOT).map((name) => path.join(ROOT, name))
    assert.match(checkFloor(addon), /^2\.\d+$/)
    assert.throws(() => checkFloor(addon, '2.2'), /needs glibc 2\.\d+, not 2\.2: .*dlsym/)
  })
})

/** A foreign processor's (RISC-V) shared object, as far as its header goes. */
const FOREIGN = Buffer.alloc(4096)
FOREIGN.write('\x7fELF\x02\x01\x01', 'latin1')
FOREIGN.writeUInt16LE(3, 16)
FOREIGN.writeUInt16LE(0xf3, 18)
FOREIGN.writeUInt32LE(1, 20)

const here = 'rs-heapdump-linux-x64-gnu'
/** What is beside the package, and what is said then. */
const FAILURES = [
  {
    name: 'optional dependencies left out',
    says: [`${here} is not installed`, 'npm install --include=optional', `npm install ${here}@`],
  },
  {
    name: 'node_modules from another platform',
    files: { 'rs-heapdump-darwin-arm64/package.json': '{}' },
    says: ['rs-heapdump-darwin-arm64 is', 'another platform', '--os=linux --cpu=x64 --libc=glibc'],
  },
  {
    name: 'an addon for another processor',
    files: { [`${here}/package.json`]: '{ "main": "a.node" }', [`${here}/a.node`]: FOREIGN },
    says: ['a.node', 'for another platform, or damaged', 'npm ci'],
  },
  {
    name: 'a damaged addon',
    files: { [`${here}/package.json`]: '{ "main": "a.node" }', [`${here}/a.node`]: 'x'.repeat(8192) },
    says: ['invalid ELF header', 'npm install --force'],
  },
  {
    name: 'an old glibc',
    refusal: "/lib64/libc.so.6: version `GLIBC_2.17' not found (required by a.node)",
    says: ['GLIBC_2.17', 'newer base image'],
  },
  {
    name: 'the addon for the other C library',
    refusal:
      'Error loading shared library ld-linux-x86-64.so.2: No such file or directory (needed by libc.musl-x86_64.so.1)',
    says: ['glibc or musl', 'npm ci', 'apk add libgcc'],
  },
  {
    name: 'no compiler runtime',
    refusal: 'libgcc_s.so.1: cannot open shared object file: No such file or directory',
    says: ['apk add libgcc', 'apt-get install libgcc-s1'],
  },
  {
    name: 'a file system without execution',
    refusal: 'a.node: failed to map segment from shared object: Operation not permitted',
    says: ['noexec'],
  },
  {
    name: 'a platform without a build',
    before: `Object.defineProperty(process, 'arch', { value: 'ppc64' })`,
    says: ['linux-ppc64-gnu', 'there is no build for it', 'linux-x64-gnu', 'from source, with Rust'],
  },
  {
    name: 'a checkout that is not built',
    files: { 'rs-heapdump/Cargo.toml': '' },
    says: ['has not been built in this checkout', 'npm run setup'],
  },
  {
    name: 'a path that overrules the search',
    env: { NAPI_RS_NATIVE_LIBRARY_PATH: '/nowhere/a.node' },
    says: ['/nowhere/a.node', 'unset NAPI_RS_NATIVE_LIBRARY_PATH'],
  },
]

describe('an addon that does not load', { skip: NOT_LINUX_X64 }, () => {
  for (const { name, files = {}, refusal, before: first = '', env, says } of FAILURES) {
    it(`${name}: what failed, and what to do`, () => {
      const modules = path.join(temporaryDirectory(), 'node_modules')
      const put = (file, content) => {
        fs.mkdirSync(path.dirname(path.join(modules, file)), { recursive: true })
        fs.writeFileSync(path.join(modules, file), content)
      }
      for (const file of [...FILES, 'package.json']) put(`rs-heapdump/${file}`, fs.readFileSync(path.join(ROOT, file)))
      for (const [file, content] of Object.entries(files)) put(file, content)
      if (refusal) put(`${here}/index.js`, `throw new Error(${JSON.stringify(refusal)})`)
      const main = path.join(modules, 'rs-heapdump')
      const program = `${first}
        try { require(${JSON.stringify(main)}) }
        catch (error) { console.log(JSON.stringify({ code: error.code, message: error.message, cause: !!error.cause })) }`
      const environment = { ...process.env, ...env }
      const printed = execFileSync(NODE, ['-e', program], { encoding: 'utf8', env: environment })
      const { code, message, cause } = JSON.parse(printed)
      assert.equal(code, 'ERR_HEAPDUMP_UNSUPPORTED')
      assert.ok(cause)
      assert.match(message, /^rs-heapdump could not load its addon for linux-\w+-gnu on Node v\d+/)
      for (const text of says) assert.ok(message.includes(text), `${text} is not in: ${message}`)
      if (first) return
      const cli = spawnSync(NODE, [path.join(main, 'cli.js'), 'info', 'x'], { encoding: 'utf8', env: environment })
      assert.equal(cli.status, 2)
      assert.equal(cli.stderr, `${message}\n`)
    })
  }
})
