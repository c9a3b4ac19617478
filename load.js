'use strict'

// Loads the addon; where that fails, says what failed on which platform, and what to do about it, as commands.
//
// binding.js, which the build generates, looks for the addon beside itself (a checkout, or a package packed from one),
// then for the platform's own package, which npm installs as an optional dependency. Works on Node 16.

const fs = require('fs')
const path = require('path')

/** What is built; `package.json` has the same as Rust's triples. */
const PLATFORMS = [
  'linux-x64-gnu',
  'linux-arm64-gnu',
  'linux-x64-musl',
  'linux-arm64-musl',
  'darwin-x64',
  'darwin-arm64',
  'win32-x64-msvc',
]

try {
  module.exports = require('./binding.js')
} catch (error) {
  throw explained(error)
}

function explained(cause) {
  const target = targetHere()
  const node = `Node ${process.version}`
  const { because, solutions } = diagnosis(target, reasons(cause))
  const error = new Error(
    `rs-heapdump could not load its addon for ${target} on ${node}: ${because}\n\n` +
      `Possible solutions:\n${solutions.map((solution) => `- ${solution}`).join('\n')}`,
  )
  error.code = 'ERR_HEAPDUMP_UNSUPPORTED'
  error.cause = cause
  return error
}

/** What went wrong at first, and what helps: from the most to the least telling. */
function diagnosis(target, reasons) {
  const addon = `rs-heapdump-${target}`
  const overruled = process.env.NAPI_RS_NATIVE_LIBRARY_PATH
  const refused = reasons.find(({ message }) => !/^(Cannot find|Unsupported|Failed to load)/.test(message))
  const fromSource = 'build it from source, with Rust: git clone the repository, then npm install && npm run build'
  if (overruled) {
    return {
      because: firstLine(reasons[0]),
      solutions: [`NAPI_RS_NATIVE_LIBRARY_PATH is set (${overruled}): unset NAPI_RS_NATIVE_LIBRARY_PATH`],
    }
  }
  if (refused) return { because: firstLine(refused), solutions: afterRefusal(firstLine(refused), addon, fromSource) }
  if (!PLATFORMS.includes(target)) {
    return { because: `there is no build for it (there are: ${PLATFORMS.join(', ')})`, solutions: [fromSource] }
  }
  if (fs.existsSync(path.join(__dirname, 'Cargo.toml'))) {
    return {
      because: 'it has not been built in this checkout',
      solutions: ['npm run setup (needs Rust and a C linker)'],
    }
  }
  const others = siblings().filter((name) => name !== addon)
  if (others.length > 0) {
    return {
      because: `${addon} is not installed, but ${others.join(', ')} is: node_modules comes from another platform`,
      solutions: [
        'install where the process runs (in a Dockerfile: in the last stage, from the same base image): npm ci',
        `or for that platform beforehand: npm install ${npmPlatform(target)}`,
      ],
    }
  }
  return {
    because: `${addon} is not installed`,
    solutions: [
      'if optional dependencies were left out (--no-optional, --omit=optional, "omit" in .npmrc): npm install --include=optional',
      'if the lock file was made on another platform: rm -rf node_modules package-lock.json && npm install',
      `or by its name: npm install ${addon}@${version()}`,
    ],
  }
}

/** The addon is there, but the system does not take it. */
function afterRefusal(message, addon, fromSource) {
  const again = `install it again: npm install --force ${addon}@${version()}`
  if (/GLIBC_|GLIBCXX_/.test(message)) {
    return ['this system is older than the addon needs (glibc 2.17): use a newer base image', fromSource]
  }
  if (/ld-musl|libc\.musl|libc\.so\.6|__[a-z_]+: symbol not found/.test(message)) {
    return [
      'the addon is for the other C library (glibc or musl): install where the process runs: npm ci',
      'on Alpine the compiler runtime must be there: apk add libgcc',
    ]
  }
  if (/libgcc_s/.test(message)) return ['the compiler runtime is missing: apk add libgcc, or apt-get install libgcc-s1']
  if (
    /ELF|cannot open shared object|exec format|file too short|incompatible arch|mach-o|not a valid Win32/i.test(message)
  ) {
    return ['the file is for another platform, or damaged: rm -rf node_modules && npm ci', again]
  }
  if (/failed to map segment|Operation not permitted|Permission denied/i.test(message)) {
    return ['the file system forbids executing what is on it: mount it without noexec, or put node_modules elsewhere']
  }
  return [again, fromSource]
}

/** The errors of all that was tried, in this order. binding.js links them by `cause`, the last one first, without codes. */
function reasons(error) {
  const found = []
  for (let each = error; each && found.length < 32; each = each.cause) found.unshift(each)
  return found.length > 1 ? found.slice(0, -1) : found
}

function firstLine(error) {
  return String(error?.message).split('\n')[0]
}

/** Installed builds for any platform. */
function siblings() {
  try {
    return fs.readdirSync(path.dirname(__dirname)).filter((name) => name.startsWith('rs-heapdump-'))
  } catch {
    return []
  }
}

function targetHere() {
  const { platform, arch } = process
  if (platform === 'linux') return `${platform}-${arch}-${isMusl() ? 'musl' : 'gnu'}`
  return platform === 'win32' ? `${platform}-${arch}-msvc` : `${platform}-${arch}`
}

function isMusl() {
  try {
    return !process.report.getReport().header.glibcVersionRuntime
  } catch {
    return false
  }
}

function npmPlatform(target) {
  const [os, cpu, libc] = target.split('-')
  const flags = `--os=${os} --cpu=${cpu}`
  return os === 'linux' ? `${flags} --libc=${libc === 'musl' ? 'musl' : 'glibc'}` : flags
}

function version() {
  return require('./package.json').version
}
