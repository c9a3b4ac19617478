// Whether packages work as a user has them: installed from files into an empty project, offline, without scripts and
// without a compiler, then a snapshot and a look into it.
//
//   node scripts/smoke.mjs packages linux-x64-gnu         the main package and this platform's, on this Node

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, delimiter, dirname, join, resolve } from 'node:path'

const windows = process.platform === 'win32'

/** npm as a user has it who is offline; what it prints. */
export function npm(args, directory, env = {}) {
  return execFileSync('npm', [...args, '--offline', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: directory,
    encoding: 'utf8',
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
    shell: windows,
  })
}

/** Makes an empty project of this directory, with these tarballs in it. */
export function install(project, tarballs) {
  writeFileSync(join(project, 'package.json'), '{ "private": true }\n')
  // No cargo, no compiler: whatever wanted to build something would fail.
  const PATH = [dirname(process.execPath), '/usr/local/bin', '/usr/bin', '/bin'].join(delimiter)
  const env = { CC: '/bin/false', CARGO: '/bin/false', ...(windows ? {} : { PATH }) }
  npm(['install', '--ignore-scripts', ...tarballs], project, env)
}

/** Takes a snapshot in the project on this Node, and reads it with the command line. */
export function capture(node, project) {
  const program = `
    const heapdump = require('rs-heapdump')
    require('assert').strictEqual(heapdump.support().mode, '${windows ? 'portable' : 'in-process'}')
    require('assert').strictEqual(heapdump.writeSnapshot('smoke.heapsnapshot'), true)`
  const run = (args) =>
    execFileSync(node, args, { cwd: project, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] })
  run(['-e', program])
  const file = join(project, 'smoke.heapsnapshot')
  const { snapshot } = JSON.parse(readFileSync(file, 'utf8'))
  assert.ok(snapshot.node_count > 1000)
  const cli = join('node_modules', 'rs-heapdump', 'cli.js')
  const info = JSON.parse(run([cli, 'summary', file, '--json']))
  assert.equal(info.snapshot.nodes, snapshot.node_count)
  rmSync(file)
}

if (process.argv[1] && basename(process.argv[1]) === 'smoke.mjs') {
  const [directory, platform] = process.argv.slice(2)
  const names = readdirSync(directory).filter((name) => name.endsWith('.tgz'))
  const wanted = names.filter((name) => /^rs-heapdump-\d/.test(name) || name.startsWith(`rs-heapdump-${platform}-`))
  assert.equal(wanted.length, 2, `the packages for ${platform} among ${names}`)
  const project = mkdtempSync(join(tmpdir(), 'rs-heapdump-smoke-'))
  install(
    project,
    wanted.map((name) => resolve(directory, name)),
  )
  capture(process.execPath, project)
  rmSync(project, { recursive: true, force: true })
  console.log(`${platform} works on Node ${process.version}`)
}
