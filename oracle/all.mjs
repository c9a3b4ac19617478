// Runs dump.mjs over every pair NAME-1.heapsnapshot, NAME-2.heapsnapshot in a directory.
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const here = dirname(fileURLToPath(import.meta.url))
const directory = process.argv[2]
if (!existsSync(join(here, 'dist/devtools.mjs')))
  execFileSync(process.execPath, [join(here, 'build.mjs')], { stdio: 'inherit' })
const PER_PROCESS = 40
const pairs = []
for (const file of readdirSync(directory).sort()) {
  if (!file.endsWith('-1.heapsnapshot')) continue
  const first = join(directory, file)
  const second = first.replace(/-1\.heapsnapshot$/, '-2.heapsnapshot')
  if (!existsSync(`${second}.diff.json`)) pairs.push(first, second)
}
// Several pairs a process: small snapshots take less time than a start of Node.
for (let at = 0; at < pairs.length; at += PER_PROCESS) {
  execFileSync(process.execPath, [join(here, 'dump.mjs'), ...pairs.slice(at, at + PER_PROCESS)], { stdio: 'inherit' })
}
