// rs-heapdump run -- app.js: the same process, with the addon loaded.

import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import { describe, it } from 'node:test'
import { Child, CLI, filesIn, NODE, PARALLEL, ROOT, snapshotsIn, startCli, temporaryDirectory } from './helpers.mjs'

const SAY = `function say(value) { require('fs').writeSync(1, JSON.stringify(value) + '\\n') }\n`
const IS_LOADED = `Object.keys(require.cache).some((file) => /rs-heapdump\\..*\\.node$/.test(file))`
const NO_EXEC = process.platform === 'win32' && 'a process cannot become another on Windows'

/** Runs a script by `rs-heapdump run`. */
function run(script, { options = [], nodeArgs = [], args = [], env = {}, name = 'app.cjs', node = [] } = {}) {
  const cwd = temporaryDirectory()
  fs.writeFileSync(path.join(cwd, name), SAY + script)
  return startCli(['run', ...options, '--', ...node, ...nodeArgs, name, ...args], { cwd, env })
}

async function answer(script, options) {
  const child = await run(script, options).endsWell()
  assert.equal(child.stderr, '')
  return child.said[0]
}

describe('rs-heapdump run', PARALLEL, () => {
  it('loads the addon before the script, and hands arguments over', async () => {
    const { loaded, argv, execArgv } = await answer(
      `say({ loaded: ${IS_LOADED}, argv: process.argv.slice(2), execArgv: process.execArgv })`,
      { args: ['--port', '80', 'a b'], nodeArgs: ['--max-old-space-size=200'] },
    )
    assert.equal(loaded, true)
    assert.deepEqual(argv, ['--port', '80', 'a b'])
    assert.deepEqual(execArgv, ['-r', ROOT, '--max-old-space-size=200'])
  })

  it('is the same process', { skip: NO_EXEC }, async () => {
    const child = run(`say(process.pid)`)
    assert.equal(await child.next(), child.pid)
  })

  it('passes stdin, stdout and stderr through', async () => {
    const child = run(`process.stdin.pipe(process.stdout); process.stdin.on('end', () => console.error('over'))`)
    child.stdin.end('some text\n')
    await child.endsWell()
    assert.equal(child.stdout, 'some text\n')
    assert.equal(child.stderr, 'over\n')
  })

  it('ends as the script ends', async () => {
    assert.deepEqual(await run(`process.exitCode = 7`).ended(), { code: 7, signal: null })
    const aborted = await run(`process.kill(process.pid, 'SIGKILL')`).ended()
    if (!NO_EXEC) assert.deepEqual(aborted, { code: null, signal: 'SIGKILL' })
  })

  it('leaves signals to the script', { skip: NO_EXEC }, async () => {
    const child = run(`
      process.on('SIGTERM', () => { say('terminated'); process.exit(3) })
      setInterval(() => {}, 1000)
      say('ready')`)
    await child.says('ready')
    child.kill('SIGTERM')
    await child.says('terminated')
    assert.deepEqual(await child.ended(), { code: 3, signal: null })
    const other = run(`setInterval(() => {}, 1000); say('ready')`)
    await other.says('ready')
    other.kill('SIGTERM')
    assert.deepEqual(await other.ended(), { code: null, signal: 'SIGTERM' })
  })

  it('sets what signals do', { skip: NO_EXEC }, async () => {
    const dumps = temporaryDirectory()
    const child = run(`setInterval(() => {}, 1000); say(process.env.NODE_HEAPDUMP_OPTIONS)`, {
      options: ['--dir', dumps, '--no-gc', '--quiet', '--threads', 'all', '--keep', '3', '--compress=none'],
      env: { NODE_HEAPDUMP_OPTIONS: 'nosignal,signal' },
    })
    assert.equal(await child.next(), `nosignal,signal,dir=${dumps},compress=none,keep=3,threads=all,nogc,quiet`)
    child.kill('SIGUSR2')
    await child.until(() => snapshotsIn(dumps).length === 1, 'a snapshot')
    assert.equal(child.stderr, '')
    child.kill('SIGKILL')
  })

  it('refuses a signal that cannot ask for snapshots', async () => {
    const child = run(`say('started')`, { options: ['--signal', 'TERM'] })
    assert.deepEqual(await child.ended(), { code: 2, signal: null })
    assert.match(child.stderr, /error: .*--signal.*SIGTERM cannot ask for snapshots.*\[ERR_HEAPDUMP_ARGUMENT\]/)
  })

  it('keeps NODE_OPTIONS, and works in directories with spaces', async () => {
    const env = { NODE_OPTIONS: '--no-deprecation --require "./first one.cjs"' }
    const cwd = temporaryDirectory()
    fs.writeFileSync(path.join(cwd, 'first one.cjs'), 'globalThis.first = true')
    fs.writeFileSync(path.join(cwd, 'the app.cjs'), `${SAY}say([first, process.noDeprecation, ${IS_LOADED}])`)
    const link = path.join(temporaryDirectory(), 'a package')
    fs.symlinkSync(ROOT, link)
    const args = [path.join(link, 'cli.js'), 'run', '--', 'the app.cjs']
    const child = await new Child(NODE, ['--preserve-symlinks', '--preserve-symlinks-main', ...args], {
      cwd,
      env: { ...process.env, ...env },
    }).endsWell()
    assert.deepEqual(child.said[0], [true, true, true])
  })

  it('hands the channel to its parent on', { skip: NO_EXEC }, async () => {
    const cwd = temporaryDirectory()
    fs.writeFileSync(
      path.join(cwd, 'app.cjs'),
      `process.send('hello'); process.on('message', (text) => process.exit(text))`,
    )
    const parent = `${SAY}
      const child = require('child_process').fork(${JSON.stringify(CLI)}, ['run', '--', 'app.cjs'])
      child.on('message', (text) => { say(text); child.send(5) }).on('exit', say)`
    const child = await new Child(NODE, ['-e', parent], { cwd, env: process.env }).endsWell()
    assert.deepEqual(child.said, ['hello', 5])
  })

  it('covers workers and forks', async () => {
    const child = await run(`
      const { Worker, isMainThread, parentPort } = require('worker_threads')
      const loaded = ${IS_LOADED}
      if (process.send) process.send(loaded)
      else if (isMainThread) {
        new Worker(__filename).on('message', (value) => {
          say(['worker', value])
          require('child_process').fork(__filename).on('message', (value) => say(['fork', value]))
        })
      } else parentPort.postMessage(loaded)`).endsWell()
    assert.deepEqual(child.said, [
      ['worker', true],
      ['fork', true],
    ])
  })

  it('takes `node` as the name of the program', async () => {
    const PATH = `${path.dirname(NODE)}${path.delimiter}${process.env.PATH}`
    assert.equal(await answer(`say(${IS_LOADED})`, { node: ['node'], env: { PATH } }), true)
  })

  it('says what is not understood, and starts nothing', async () => {
    const cases = [
      [{ options: ['--dir', 'a,b'] }, /the value of --dir holds a comma: dir=a,b/],
      [{ options: ['--watch=much'] }, /the value of --watch is not understood: watch=much/],
      [{ options: ['--live=maybe'] }, /invalid value 'maybe'/],
    ]
    for (const [options, pattern] of cases) {
      const child = run(`require('fs').writeFileSync('started', '')`, options)
      assert.deepEqual(await child.ended(), { code: 2, signal: null })
      assert.match(child.stderr, pattern)
      assert.match(child.stderr, /ERR_HEAPDUMP_ARGUMENT/)
      assert.deepEqual(filesIn(child.directory), ['app.cjs'])
    }
  })
})
