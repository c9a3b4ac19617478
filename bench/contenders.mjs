// Gets what we are measured against: heapdump, compiled for the Node under test, and TypeScript.
// Everything lands in bench/.cache and is used again from there.

import { execFile } from 'node:child_process'
import { access, cp, mkdir, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

export const CACHE = fileURLToPath(new URL('.cache', import.meta.url))
const run = promisify(execFile)
const require = createRequire(join(CACHE, 'package.json'))

const VERSIONS = {
  heapdump: '0.3.15',
  // The last major whose compiler is JavaScript.
  typescript: '5.9.3',
  // The last major that runs on Node 20. Compiles heapdump.
  'node-gyp': '11.5.0',
  // Sends requests, for live.mjs.
  autocannon: '8.0.0',
}

/** Installs the packages, without running their scripts. */
export async function install() {
  const installed = Object.entries(VERSIONS).every(([name, version]) => installedVersion(name) === version)
  if (installed) return
  await mkdir(CACHE, { recursive: true })
  await writeFile(join(CACHE, '.gitignore'), '*\n')
  await writeFile(join(CACHE, 'package.json'), JSON.stringify({ private: true, dependencies: VERSIONS }))
  await run('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: CACHE })
}

function installedVersion(name) {
  try {
    return require(`${name}/package.json`).version
  } catch {
    return null
  }
}

export const typescriptPath = () => require.resolve('typescript')
export const autocannon = () => require('autocannon')

/**
 * Compiles heapdump for one Node version, against the headers that stand beside its binary.
 *
 * @param {string} binary …/bin/node, with …/include/node beside bin
 * @param {string} version
 * @returns {Promise<string>} the directory to require
 */
export async function compileHeapdump(binary, version) {
  const directory = join(CACHE, 'heapdump', version)
  const addon = join(directory, 'build', 'Release', 'addon.node')
  if (await exists(addon)) return directory

  await rm(directory, { recursive: true, force: true })
  await cp(join(CACHE, 'node_modules', 'heapdump'), directory, { recursive: true })
  const nodeGyp = require.resolve('node-gyp/bin/node-gyp.js')
  const nodeDirectory = dirname(dirname(binary))
  const args = [nodeGyp, 'rebuild', `--nodedir=${nodeDirectory}`, `--target=${version}`]
  try {
    await run(process.execPath, args, { cwd: directory, maxBuffer: 64 << 20 })
  } catch (error) {
    const cause = /error: .*/.exec(error.stderr)?.[0] ?? error.message.split('\n')[0]
    throw new Error(cause, { cause: error })
  }
  return directory
}

async function exists(path) {
  return access(path).then(
    () => true,
    () => false,
  )
}
