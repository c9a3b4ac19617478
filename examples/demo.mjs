// Finds a leak with three snapshots: before, after some load, after much. What grows from each to the
// next is the suspect; `rs-heapdump leaks` names it, and `rs-heapdump report` shows it on a page.
//
//   node examples/demo.mjs              closure-listener
//   node examples/demo.mjs cache        another example
//   node examples/demo.mjs all          one after the other
//
// Starts the example as a child, drives it over the loopback, takes each snapshot by a real
// `kill -USR2`, and has them read. Ends by itself, and takes the child with it whatever happens.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readdir, rm } from 'node:fs/promises'
import http from 'node:http'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

const EXAMPLES = ['closure-listener', 'global', 'keep-alive-agent', 'cache']
/** Requests before each snapshot. The first ones also load and warm up what every request needs. */
const LOADS = [20, 100, 1000]
const CONCURRENCY = 8
const SETTLE_MS = 200
/** How much of what the server said goes into an error message. */
const STDERR_LINES_MAX = 30
const TIME_LIMIT_MS = 30_000
const ROOT = fileURLToPath(new URL('..', import.meta.url))

const number = new Intl.NumberFormat('en-US')

try {
  await main(process.argv.slice(2))
} catch (error) {
  console.error(`\ndemo failed: ${error.message}`)
  process.exitCode = 1
}

async function main(args) {
  const [name = 'closure-listener'] = args
  const names = name === 'all' ? EXAMPLES : [name]
  if (args.length > 1 || !names.every((each) => EXAMPLES.includes(each))) {
    throw new Error(`no example "${args.join(' ')}": choose one of ${EXAMPLES.join(', ')}, or all`)
  }
  await rm(join(ROOT, '.demo'), { recursive: true, force: true })
  for (const each of names) await demonstrate(each)
}

async function demonstrate(name) {
  // Relative to the child's working directory: a comma in an absolute path would end the option.
  const directory = join('.demo', name)
  await mkdir(join(ROOT, directory), { recursive: true })

  console.log(`\n$ node examples/${name}.js`)
  const server = await startServer(name, directory)
  const snapshots = []
  try {
    let requests = 0
    for (const load of LOADS) {
      await drive(server, load, requests)
      requests += load
      console.log(`${number.format(load)} requests, ${number.format(requests)} in all`)
      snapshots.push(await takeSnapshot(server, directory))
    }
  } catch (error) {
    // The child's end and the time limit abort whatever was going on: they are the reason, not it.
    throw server.signal.aborted ? server.signal.reason : error
  } finally {
    await server.stop()
  }
  await read(snapshots, directory)
}

/** Starts an example, and waits until it listens. */
async function startServer(name, directory) {
  const child = spawn(process.execPath, [join('examples', `${name}.js`)], {
    cwd: ROOT,
    env: { ...process.env, PORT: '0', NODE_HEAPDUMP_OPTIONS: `dir=${directory}` },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const exited = once(child, 'exit').catch(() => {})
  const killChild = () => child.kill('SIGKILL')
  const interrupt = (signal) => process.exit(signal === 'SIGINT' ? 130 : 143)
  process.once('exit', killChild).once('SIGINT', interrupt).once('SIGTERM', interrupt)

  // Everything that waits, waits with this signal: nothing outlives the child or the time limit.
  const aborter = new AbortController()
  const stderr = []
  const abort = (what) =>
    aborter.abort(new Error([`${name}: ${what}`, ...stderr.slice(0, STDERR_LINES_MAX)].join('\n  ')))
  const timer = setTimeout(() => abort(`not done after ${TIME_LIMIT_MS / 1000} s`), TIME_LIMIT_MS)
  child.once('error', (error) => abort(error.message))
  child.once('close', (code, signal) => abort(`the server ended early (${signal ?? `exit code ${code}`})`))

  const output = []
  createInterface({ input: child.stdout }).on('line', (line) => {
    console.log(line)
    output.push(line)
  })
  createInterface({ input: child.stderr }).on('line', (line) => {
    if (line.startsWith('rs-heapdump: ')) console.log(wrap(line.split(' ')))
    stderr.push(line)
    if (line.includes('ERR_HEAPDUMP_')) abort('the snapshot failed')
  })

  async function stop() {
    clearTimeout(timer)
    child.removeAllListeners('close')
    killChild()
    await exited
    process.off('exit', killChild).off('SIGINT', interrupt).off('SIGTERM', interrupt)
  }

  const server = { pid: child.pid, port: 0, stderr, signal: aborter.signal, stop }
  try {
    const listening = /^listening on http:\/\/127\.0\.0\.1:(\d+)/
    const line = await until(server, () => output.find((each) => listening.test(each)))
    server.port = Number(listening.exec(line)[1])
    return server
  } catch (error) {
    await stop()
    throw error
  }
}

/** Asks again and again until there is an answer, or the server's signal says that there will be none. */
async function until(server, ask) {
  for (;;) {
    server.signal.throwIfAborted()
    const answer = await ask()
    if (answer) return answer
    await sleep(20)
  }
}

/** Sends so many requests, some of them at a time. */
async function drive(server, count, firstId) {
  const agent = new http.Agent({ keepAlive: true, maxSockets: CONCURRENCY })
  let next = 0
  const worker = async () => {
    while (next < count) await get(server, agent, `/?symbol=ACME&limit=120&session=${firstId + next++}`)
  }
  try {
    await Promise.all(Array.from({ length: CONCURRENCY }, worker))
  } finally {
    agent.destroy()
  }
  // The server sees the end of these connections a little later; they are not to be in the snapshot.
  await sleep(SETTLE_MS)
}

async function get({ port, signal }, agent, path) {
  const request = http.get({ host: '127.0.0.1', port, path, agent, signal })
  const [response] = await once(request, 'response')
  response.resume()
  await once(response, 'end', { signal })
  if (response.statusCode !== 200) throw new Error(`${path} answered ${response.statusCode}`)
}

/** `kill -USR2`, then waits for the file. It appears under its name only when it is whole. */
async function takeSnapshot(server, directory) {
  const list = async () =>
    (await readdir(join(ROOT, directory))).filter((each) => /^heapdump-.*\.heapsnapshot$/.test(each))
  const before = new Set(await list())

  console.log(`$ kill -USR2 ${server.pid}`)
  process.kill(server.pid, 'SIGUSR2')

  const name = await until(server, async () => (await list()).find((each) => !before.has(each)))
  await until(server, () => server.stderr.some((line) => line.includes(name)))
  return join(directory, name)
}

/** What the command line says of the snapshots, typed as a user would. */
async function read(files, directory) {
  await command(['leaks', ...files])
  const page = join(directory, 'leak.html')
  await command(['report', ...files, '-o', page])
  console.log('Open the page in a browser. Or the snapshots in Chrome: DevTools, Memory, Load profile; choose the')
  console.log('last one, then Comparison with the first; Retainers tells who holds what should be gone.')
}

async function command(args) {
  console.log(`\n$ npx rs-heapdump ${args.join(' ')}`)
  const child = spawn(process.execPath, ['cli.js', ...args], {
    cwd: ROOT,
    env: { COLUMNS: '100', ...process.env },
    stdio: 'inherit',
  })
  const [code] = await once(child, 'exit')
  if (code !== 0) throw new Error(`rs-heapdump ${args[0]} ended with exit code ${code}`)
}

/** Puts words on lines of 78 characters; all but the first line are indented. */
function wrap(words) {
  const lines = ['']
  for (const word of words) {
    const line = lines.at(-1)
    if (line.length + 1 + word.length <= 76) lines[lines.length - 1] = line ? `${line} ${word}` : word
    else lines.push(word)
  }
  return lines.join('\n  ')
}
