// Sets up a checkout: npm packages, then the report page and the addon. Does nothing where nothing has changed, so that
// `npm test` and `npm run demo` can begin with it every time.

import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const modified = (name) => (existsSync(join(root, name)) ? statSync(join(root, name)).mtimeMs : 0)

function run(command, args, hint) {
  const { status, error } = spawnSync(command, args, {
    cwd: root,
    stdio: ['ignore', 2, 2],
    shell: process.platform === 'win32',
  })
  if (status === 0) return
  console.error(`\nset-up failed: ${command} ${args.join(' ')}${error ? ` (${error.message})` : ''}\n${hint}`)
  process.exit(1)
}

try {
  execFileSync('cargo', ['--version'], { stdio: 'ignore' })
} catch {
  console.error('set-up needs Rust to build the addon: https://rustup.rs (1.89 or later), then try again')
  process.exit(1)
}

if (modified('node_modules/.package-lock.json') < modified('package-lock.json')) {
  // Not `npm ci`: it refuses a lock file that lacks the optional packages of other platforms.
  run('npm', ['install', '--no-save', '--no-audit', '--no-fund'], 'npm install needs the npm registry')
}
// cargo knows best whether there is anything to build.
run('npm', ['run', '--silent', 'build'], 'building needs Rust 1.89 or later and a C linker (apt-get install gcc)')
