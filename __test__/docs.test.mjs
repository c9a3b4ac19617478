// Every code block of README.md and docs/ runs, and prints what the page says it prints. CONTRIBUTING.md has the rules.
//
// A page has one directory for all its blocks, like a reader's project: the package under node_modules, three
// snapshots of the demo's leaking server, and the programs that the page speaks of.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import fs from 'node:fs'
import http from 'node:http'
import net from 'node:net'
import path from 'node:path'
import { before, describe, it } from 'node:test'
import { Child, CLI, NODE, ROOT, snapshotsIn, temporaryDirectory, whyNotWorking } from './helpers.mjs'

/** How much of what a page shows must be in what is printed: versions of Node differ in a row or two. */
const LIKENESS_MIN = 2 / 3
const DEADLINE_MS = 180_000
const LOADS = [20, 100, 1000]
/** The port that pages speak of; a free one takes its place. */
const PORT = '8123'

const SKIP =
  (process.env.HEAPDUMP_TEST_NODE && 'the same whatever the Node under test is') ||
  (process.platform !== 'linux' && 'commands are of Linux') ||
  whyNotWorking('curl', ['--version'], 'pages speak of curl')

const pages = ['README.md', ...fs.readdirSync(path.join(ROOT, 'docs')).map((name) => `docs/${name}`)].filter((name) =>
  name.endsWith('.md'),
)

// ---------------------------------------------------------------------------------------------
// Pages

/** The blocks that do something, each with the output that follows it. */
function blocksOf(text) {
  const blocks = []
  const notes = {}
  let open
  let previous
  text.split('\n').forEach((line, index) => {
    const fence = /^(\s*)```(\w*)/.exec(line)
    const note = /^\s*<!-- (not run|not compared): (.+) -->$/.exec(line)
    if (open && fence) {
      const code = open.lines.map((each) => each.slice(open.indent)).join('\n')
      if (open.language) {
        previous = { line: open.line, language: open.language, code, notRun: notes['not run'] }
        blocks.push(previous)
      } else if (previous) {
        previous.output = { code, notCompared: notes['not compared'] }
        previous = undefined
      }
      for (const name of Object.keys(notes)) delete notes[name]
      open = undefined
    } else if (open) open.lines.push(line)
    else if (fence) open = { line: index + 1, indent: fence[1].length, language: fence[2], lines: [] }
    else if (note) notes[note[1]] = note[2]
    else if (/^#/.test(line)) previous = undefined
  })
  assert.equal(open, undefined, 'a block without an end')
  for (const { line, language, notRun } of blocks) {
    assert.ok(
      notRun || runners[language],
      `line ${line}: ${language} is not run; say so, or teach it (CONTRIBUTING.md)`,
    )
  }
  return blocks
}

function linksOf(text) {
  const prose = text.replace(/^([ \t]*)```[\s\S]*?^\1```/gm, '')
  return [...prose.matchAll(/\]\(([^)\s]+)\)/g)].map(([, link]) => link).filter((link) => !/^https?:/.test(link))
}

function leadsSomewhere(link, page) {
  const [file, heading] = link.split('#')
  const target = file ? path.join(ROOT, path.dirname(page), file) : path.join(ROOT, page)
  if (!fs.existsSync(target)) return false
  if (!heading) return true
  const headings = fs.readFileSync(target, 'utf8').matchAll(/^#+ (.+)$/gm)
  return [...headings].some(([, title]) => anchor(title) === heading)
}

/** As GitHub makes them. */
function anchor(title) {
  return title
    .toLowerCase()
    .replace(/[^\w\- ]/g, '')
    .replaceAll(' ', '-')
}

// ---------------------------------------------------------------------------------------------
// Running

const runners = {
  js: (code, project) => {
    const esm = /^import\s/m.test(code)
    const file = path.join(project, esm ? 'block.mjs' : 'block.cjs')
    const prelude = /\brequire\(/.test(code) ? '' : `const heapdump = require('rs-heapdump');`
    fs.writeFileSync(file, esm ? code : `${prelude}(async () => {\n${code}\n})()`)
    return execute(NODE, [file], project)
  },
  sh: async (code, project) => {
    const free = String(await freePort())
    return execute('bash', ['-ec', `${PRELUDE}\n${code.replaceAll(PORT, free)}`], project)
  },
  json: (code) => {
    JSON.parse(code)
    return code
  },
}

/** What a reader does without being told: waits until a program runs, until a file is there; and ends it. */
const PRELUDE = `
exec 2>&1
trap 'jobs -p | xargs -r kill -9' EXIT
within() { for _ in $(seq 3000); do "$@" && return; sleep 0.02; done; echo "waited in vain: $*"; exit 1; }
listens() { mask=$(grep SigCgt "/proc/$1/status" | cut -f2); (( 0x$mask & 0x800 )); }
snapshots() { find . -name '*.heapsnapshot*' ! -name '.*' | wc -l; }
more_than() { (( $(snapshots) > $1 )); }
kill() {
  if [ "$1" != -USR2 ]; then command kill "$@"; return; fi
  within listens "$2"
  before=$(snapshots)
  command kill -USR2 "$2"
  within more_than "$before"
}
curl() { command curl --retry 60 --retry-delay 1 --retry-connrefused "$@"; }
`

function execute(command, args, project) {
  const env = {
    ...process.env,
    COLUMNS: '100',
    NO_COLOR: '1',
    PATH: `${path.join(project, 'bin')}:${process.env.PATH}`,
  }
  for (const name of ['NODE_HEAPDUMP_OPTIONS', 'NODE_OPTIONS', 'NODE_TEST_CONTEXT', 'RS_HEAPDUMP_FAULT'])
    delete env[name]
  return new Promise((resolve, reject) => {
    const options = { cwd: project, env, encoding: 'utf8', timeout: DEADLINE_MS, killSignal: 'SIGKILL' }
    execFile(command, args, options, (error, stdout, stderr) => {
      if (error) reject(new Error(`${error.code ?? error.signal}: ${stdout}${stderr}`))
      else resolve(stdout + stderr)
    })
  })
}

function freePort() {
  return new Promise((resolve) => {
    const server = net.createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address()
      server.close(() => resolve(port))
    })
  })
}

// ---------------------------------------------------------------------------------------------
// Output

function assertAlike(printed, shown) {
  const real = new Set(printed.split('\n').map(shape))
  const lines = shown.split('\n').filter((line) => shape(line) !== '')
  const strange = lines.filter((line) => !real.has(shape(line)))
  const likeness = 1 - strange.length / lines.length
  assert.ok(likeness >= LIKENESS_MIN, `not printed:\n${strange.join('\n')}\n\nbut:\n${printed}`)
}

/** A line without what differs from run to run: figures, units, paths, ids, the order of properties. */
function shape(line) {
  return line
    .replace(/\{[^}]*\}/g, '{}')
    .replace(/[^\s'"]*[/…][^\s'"]*/g, 'PATH')
    .replace(/[\w.-]*\.heapsnapshot\b/g, 'PATH')
    .replace(/[+-]?\d[\d,.:]*/g, 'N')
    .replace(/\bN (B|KiB|MiB|GiB|kB|MB|GB|ms|s|min)\b/g, 'N')
    .replace(/\s+/g, ' ')
    .trim()
}

// ---------------------------------------------------------------------------------------------
// The reader's project

/** The demo's server, and three snapshots of it: after little, some and much load. */
async function demonstrate() {
  const directory = temporaryDirectory()
  install(directory)
  const server = new Child(NODE, ['closure-listener.js'], { cwd: directory, env: { ...process.env, PORT: '0' } })
  const port = await server.until(() => /127\.0\.0\.1:(\d+)/.exec(server.stdout)?.[1], 'its port')
  const agent = new http.Agent({ keepAlive: true })
  for (const [at, load] of LOADS.entries()) {
    for (let i = 0; i < load; i++) await get(port, agent)
    server.kill('SIGUSR2')
    await server.snapshots(at + 1)
  }
  agent.destroy()
  server.kill('SIGKILL')
  await server.ended()
  return snapshotsIn(directory).map((name) => path.join(directory, name))
}

function get(port, agent) {
  return new Promise((resolve, reject) => {
    const request = http.get({ host: '127.0.0.1', port, agent }, (response) => response.resume().on('end', resolve))
    request.on('error', reject)
  })
}

async function projectWith(snapshots) {
  const directory = temporaryDirectory()
  install(directory)
  for (const [at, name] of ['before', 'between', 'after'].entries()) {
    fs.copyFileSync(snapshots[at], path.join(directory, `${name}.heapsnapshot`))
  }
  fs.mkdirSync(path.join(directory, 'dumps'))
  fs.writeFileSync(path.join(directory, 'app.js'), 'setInterval(() => {}, 1000)\n')
  fs.mkdirSync(path.join(directory, 'bin'))
  fs.symlinkSync(NODE, path.join(directory, 'bin', 'node'))
  const cli = `exec '${NODE}' '${CLI}' "$@"\n`
  const shims = { 'rs-heapdump': cli, npx: `[ "$1" = rs-heapdump ] || exit 127\nshift\n${cli}` }
  for (const [name, script] of Object.entries(shims)) {
    fs.writeFileSync(path.join(directory, 'bin', name), `#!/bin/sh\n${script}`, { mode: 0o755 })
  }
  return directory
}

/** The package and the demo's program, as they would be in somebody's project. */
function install(directory) {
  fs.mkdirSync(path.join(directory, 'node_modules'))
  fs.symlinkSync(ROOT, path.join(directory, 'node_modules', 'rs-heapdump'))
  const example = fs.readFileSync(path.join(ROOT, 'examples', 'closure-listener.js'), 'utf8')
  fs.writeFileSync(
    path.join(directory, 'closure-listener.js'),
    example.replace("require('..')", "require('rs-heapdump')"),
  )
}

// ---------------------------------------------------------------------------------------------
// The tests

describe('the documentation', { skip: SKIP, concurrency: 2 }, () => {
  let demo

  before(async () => {
    demo = await demonstrate()
  })

  for (const page of pages) {
    const text = fs.readFileSync(path.join(ROOT, page), 'utf8')
    const blocks = blocksOf(text)

    describe(page, { concurrency: 1 }, () => {
      let project

      before(async () => {
        project = await projectWith(demo)
      })

      for (const block of blocks) {
        const title = `line ${block.line}: ${block.language} ${block.code.split('\n')[0].slice(0, 60)}`
        it(title, { skip: block.notRun }, async () => {
          const printed = await runners[block.language](block.code, project)
          if (block.output && !block.output.notCompared) assertAlike(printed, block.output.code)
        })
      }

      it('links to what is there', () => {
        const broken = linksOf(text).filter((link) => !leadsSomewhere(link, page))
        assert.deepEqual(broken, [])
      })
    })
  }
})
