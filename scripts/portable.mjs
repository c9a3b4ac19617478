// The addon as it is published for Linux with glibc: linked against glibc 2.17 (2012), so that it loads on every
// distribution that Node 16 and later run on.
//
//   node scripts/portable.mjs                                 into artifacts/, for x64
//   node scripts/portable.mjs aarch64-unknown-linux-gnu       for arm64; `rustup target add` it first
//
// The linker and the old C library come from the npm registry, as with `napi build --use-napi-cross`: gcc toolchains by
// napi-rs, unpacked once into .toolchains/. (The flag itself asks for versions that are not there.) The floor is
// checked at the end: scripts/glibc-floor.mjs.

import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { checkFloor } from './glibc-floor.mjs'

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..')
const FLOOR = '2.17'
/** For each target: the packages by the architecture of this machine, and what napi calls the platform. */
const TOOLCHAINS = {
  'x86_64-unknown-linux-gnu': {
    x64: '@napi-rs/cross-toolchain-x64-target-x86_64@1.0.0',
    platform: 'linux-x64-gnu',
  },
  'aarch64-unknown-linux-gnu': {
    x64: '@napi-rs/cross-toolchain-x64-target-aarch64@1.0.3',
    platform: 'linux-arm64-gnu',
  },
}

const [target = 'x86_64-unknown-linux-gnu'] = process.argv.slice(2)
const packageName = TOOLCHAINS[target]?.[process.arch]
if (!packageName || process.platform !== 'linux') {
  throw new Error(
    `no toolchain for ${target} on ${process.platform}-${process.arch}: try one of ${Object.keys(TOOLCHAINS)} on Linux x64`,
  )
}

const tool = (name) => join(toolchain(), 'bin', `${target}-${name}`)
const suffix = target.replaceAll('-', '_')
run(process.execPath, ['scripts/page.mjs'])
run(
  join('node_modules', '.bin', 'napi'),
  [
    'build',
    '--platform',
    '--release',
    '--target',
    target,
    '--js',
    'binding.js',
    '--dts',
    'binding.d.ts',
    '--output-dir',
    'artifacts',
    // Its own, because cargo does not see that the linker is another one.
    '--target-dir',
    join('target', 'portable'),
  ],
  {
    // Where it was built is nobody's business, and must not make a difference (scripts/reproduce.mjs).
    CARGO_ENCODED_RUSTFLAGS: [
      `--remap-path-prefix=${ROOT}=/rs-heapdump`,
      `--remap-path-prefix=${process.env.CARGO_HOME ?? join(homedir(), '.cargo')}=/cargo`,
    ].join('\x1f'),
    [`CARGO_TARGET_${suffix.toUpperCase()}_LINKER`]: tool('gcc'),
    [`CC_${suffix}`]: tool('gcc'),
    [`AR_${suffix}`]: tool('ar'),
  },
)
const addon = join(ROOT, 'artifacts', `rs-heapdump.${TOOLCHAINS[target].platform}.node`)
console.log(`${addon}: glibc ${checkFloor(addon, FLOOR)} or later`)

/** Where the toolchain is; brings it the first time. */
function toolchain() {
  const directory = join(ROOT, '.toolchains', packageName.split('/')[1])
  if (existsSync(directory)) return directory
  const partial = `${directory}.partial`
  rmSync(partial, { recursive: true, force: true })
  mkdirSync(partial, { recursive: true })
  const tarball = execFileSync('npm', ['pack', packageName, '--loglevel=error'], { cwd: partial, encoding: 'utf8' })
  run('tar', ['-xzf', tarball.trim(), '--strip-components=1'], {}, partial)
  run('tar', ['-xJf', `${target}.tar.xz`], {}, partial)
  for (const name of [tarball.trim(), `${target}.tar.xz`]) rmSync(join(partial, name))
  renameSync(partial, directory)
  return directory
}

function run(command, args, env = {}, cwd = ROOT) {
  execFileSync(command, args, { cwd, env: { ...process.env, ...env }, stdio: ['ignore', 'inherit', 'inherit'] })
}
