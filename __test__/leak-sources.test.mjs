// What leaks says of source files: lines led back by a source map, a warning where a file was changed since, and
// which function uses the variable that another one keeps.

import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import { describe, it } from 'node:test'
import { buildSync } from 'esbuild'
import { answer, makeOlder, PARALLEL, temporaryDirectory } from './helpers.mjs'

/** The article's puzzle: the listener keeps innerData, which it does not use. */
const PUZZLE = `const { EventEmitter } = require('events')
global.test = new EventEmitter().setMaxListeners(0)

function run3() {
  const innerData = Buffer.alloc(100)
  const outClosure3 = function () { void innerData }
  test.on('error', () => { console.log('error') })
  outClosure3()
}

exports.load = function (n) { for (let i = 0; i < n; i++) run3() }
`

/** Takes three snapshots of a program; `change` runs between the last one and the search. */
const hunt = (file, change = '') => `
  const heapdump = require(ADDON)
  const program = require(${JSON.stringify(file)})
  const files = []
  for (const n of [20, 60, 180]) {
    program.load(n)
    files.push(n + '.heapsnapshot')
    if (!heapdump.writeSnapshot(files[files.length - 1])) throw new Error('no snapshot')
  }
  ${change}
  heapdump.findLeaks(files).then(say)`

/** A directory with these files, made a while ago. */
function write(files) {
  const directory = temporaryDirectory()
  for (const [name, text] of Object.entries(files)) {
    fs.writeFileSync(path.join(directory, name), text)
    makeOlder(path.join(directory, name), 60)
  }
  return directory
}

describe('sources of leaks', PARALLEL, () => {
  it('names the function that uses what the listener keeps', async () => {
    const file = path.join(write({ 'app.js': PUZZLE }), 'app.js')
    const { suspects } = await answer(hunt(file))
    const [suspect] = suspects
    assert.match(suspect.owner, /test\._events\.error$/)
    assert.deepEqual(suspect.kept_variables, [
      {
        name: 'innerData',
        used_by_keeper: false,
        used_by: [{ file, line: 6, column: 23, function: 'outClosure3' }],
      },
    ])
    assert.match(suspect.why, /innerData is used by outClosure3 \(app\.js:6:23\), not by what keeps it/)
    assert.match(suspect.advice, /innerData is not in sight/)
    assert.equal(suspect.frames[0].warning, null)
  })

  const GONE = [
    ['changed since', (file) => `require('fs').utimesSync(${file}, Date.now() / 1000 + 60, Date.now() / 1000 + 60)`],
    ['missing', (file) => `require('fs').unlinkSync(${file})`],
    [
      'no JavaScript any more',
      (file) => `require('fs').writeFileSync(${file}, '{{{'); require('fs').utimesSync(${file}, 0, 0)`,
    ],
  ]
  for (const [what, change] of GONE) {
    it(`says nothing of it where the file is ${what}`, async () => {
      const file = path.join(write({ 'app.js': PUZZLE }), 'app.js')
      const { suspects } = await answer(hunt(file, change(JSON.stringify(file))))
      assert.match(suspects[0].owner, /test\._events\.error$/)
      assert.equal(suspects[0].source.line, 7)
      assert.equal(suspects[0].kept_variables, undefined)
      const warnings = suspects[0].frames.map(({ warning }) => warning)
      if (what === 'changed since') assert.match(warnings[0], /newer than the snapshot/)
      else assert.deepEqual(warnings.filter(Boolean), [])
    })
  }

  it('leads places back to what was written', async () => {
    const typed = PUZZLE.replace('function run3()', 'interface Unused { a: number }\n\nfunction run3(): void')
    const directory = write({ 'app.ts': typed })
    buildSync({
      entryPoints: [path.join(directory, 'app.ts')],
      outfile: path.join(directory, 'dist.js'),
      sourcemap: true,
      format: 'cjs',
      platform: 'node',
      banner: { js: '// made by a build\n' },
    })
    for (const name of ['dist.js', 'dist.js.map']) makeOlder(path.join(directory, name), 60)
    const { suspects } = await answer(hunt(path.join(directory, 'dist.js')))
    const [{ source, frames, kept_variables: kept }] = suspects
    assert.equal(source.file, path.join(directory, 'app.ts'))
    assert.equal(source.line, 9)
    assert.equal(source.generated.file, path.join(directory, 'dist.js'))
    assert.match(frames[0].lines[frames[0].line - frames[0].first_line], /test\.on\('error'/)
    assert.deepEqual(
      kept.map(({ name, used_by }) => [name, ...used_by.map(({ file, line }) => `${path.basename(file)}:${line}`)]),
      [['innerData', 'app.ts:8']],
    )
  })
})
