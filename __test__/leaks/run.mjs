// npm run corpus [majors…] [names…]: how often the `leaks` command is right about the corpus.
//
//   npm run corpus                          all programs, on the Node at hand
//   npm run corpus -- 18 20 22 24 26        on these versions (downloaded the first time)
//   npm run corpus -- 22 session-store      one program
//   npm run corpus -- --keep /tmp/snapshots 18 26
//
//   --keep DIR     leave the snapshots in DIR/<major>/
//   --from DIR     judge the snapshots that --keep left there, rather than run the programs
//   --corpus DIR   another corpus of the same form
//   --drive-only   no judging: with --keep, snapshots for other tools
//   --by WALK      how objects of the three snapshots can be told again:
//                    ids        all by their ids, in one process (the default)
//                    redacted   likewise, from snapshots that are redacted as they are taken
//                    runs       not by ids: each snapshot is of a run of its own
//                    places     not by ids: live captures of a process that never numbered its objects
//                    some-ids   some by ids: live captures after the objects were numbered once
//
// A program counts when the first suspect names its owner and its file, or, where nothing grows, when
// there is no suspect. The exit code is 1 where that is so for less than 95 % of the growing programs
// of a version, or where there is a false alarm.

import { execFile } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { parseArgs, promisify } from 'node:util'
import { nodeBinary } from '../../scripts/nodes.mjs'
import { CORPUS, drive, inParallel, openCorpus, runsOn, snapshotFiles, WALKS } from './corpus.mjs'
import { GOAL, judge } from './judge.mjs'

const execute = promisify(execFile)
const CLI = path.join(CORPUS, '../../cli.js')
/** Programs at a time. */
const LANES = 2

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    keep: { type: 'string' },
    from: { type: 'string' },
    corpus: { type: 'string', default: CORPUS },
    'drive-only': { type: 'boolean', default: false },
    by: { type: 'string', default: 'ids' },
  },
})
if (!(options.by in WALKS)) throw new Error(`--by is one of ${Object.keys(WALKS).join(', ')}`)
const isMajor = (word) => /^\d+$/.test(word)
const asked = positionals.filter(isMajor)
const majors = asked.length > 0 ? asked : [process.versions.node.split('.')[0]]
const names = positionals.filter((word) => !isMajor(word))

const { programs } = await openCorpus(path.resolve(options.corpus))
for (const name of names) {
  if (!programs.some((program) => program.name === name)) throw new Error(`no program ${name} in this corpus`)
}
const chosen = names.length > 0 ? programs.filter(({ name }) => names.includes(name)) : programs
const work = options.keep ?? options.from ?? fs.mkdtempSync(path.join(os.tmpdir(), 'rs-heapdump-corpus-'))
let failed = false

try {
  for (const major of majors) {
    const node = asked.length > 0 ? nodeBinary(major) : process.execPath
    const running = chosen.filter(({ expected }) => runsOn(expected, major))
    const results = await inParallel(running, LANES, (program) => verdictOn(program, node, path.join(work, major)))
    if (options['drive-only']) print(`Node ${major}: ${results.filter(({ wrong }) => wrong === null).length} driven`)
    report(major, results)
  }
} finally {
  if (!options.keep && !options.from) fs.rmSync(work, { recursive: true, force: true })
}
process.exitCode = failed ? 1 : 0

/** One program on one Node. What goes wrong on the way counts as wrong. */
async function verdictOn(program, node, directory) {
  const { name } = program
  const byTag = options.by === 'redacted' && program.byTag
  const expected = byTag ? { ...program.expected, owner: [...program.expected.owner, byTag] } : program.expected
  try {
    const files = options.from ? snapshotFiles(directory, program) : await drive(program, node, directory, options.by)
    if (options['drive-only']) return { name, expected, hit: true, wrong: null }
    const { stdout } = await execute(process.execPath, [CLI, 'leaks', ...files, '--json'], {
      maxBuffer: 64 * 1024 * 1024,
    })
    if (!options.keep && !options.from) for (const file of files) fs.rmSync(file)
    return { name, expected, ...judge(expected, JSON.parse(stdout)) }
  } catch (error) {
    const wrong = (error.stderr || error.message).trim().split('\n')[0]
    return { name, expected, hit: false, falseAlarm: false, owner: '', cause: '', wrong }
  }
}

function report(major, results) {
  for (const { name, expected, hit, owner, cause, wrong } of results) {
    const fits = !expected.leaks || expected.cause.includes(cause) ? '' : ' (another cause than expected)'
    if (hit && !options['drive-only']) print(`  ok    ${name.padEnd(28)} ${cause.padEnd(22)} ${owner}${fits}`)
    if (!hit) print(`  WRONG ${name.padEnd(28)} ${cause.padEnd(22)} ${owner || '-'} (${wrong})`)
  }
  if (options['drive-only']) {
    failed ||= results.some(({ hit }) => !hit)
    return
  }
  const growing = results.filter(({ expected }) => expected.leaks)
  const steady = results.filter(({ expected }) => !expected.leaks)
  const hits = growing.filter(({ hit }) => hit).length
  const alarms = steady.filter(({ hit }) => !hit).length
  const causes = growing.filter(({ hit, cause, expected }) => hit && expected.cause.includes(cause)).length
  const percent = growing.length > 0 ? ((100 * hits) / growing.length).toFixed(1) : '-'
  print(
    `Node ${major}: ${hits} of ${growing.length} named (${percent} %), ${causes} with the cause expected; ` +
      `${alarms} of ${steady.length} false alarms`,
  )
  failed ||= hits < GOAL * growing.length || alarms > 0
}

function print(line) {
  console.log(line)
}
