// Loading: by require, by import, by the name in package.json; what is exported.

import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import { describe, it } from 'node:test'
import { answer, PARALLEL, ROOT, run, snapshotsIn, temporaryDirectory } from './helpers.mjs'

/** A directory in which `rs-heapdump` (or another name) is installed. */
function project(name = 'rs-heapdump') {
  const directory = temporaryDirectory()
  fs.mkdirSync(path.join(directory, 'node_modules'))
  fs.symlinkSync(ROOT, path.join(directory, 'node_modules', name))
  return directory
}

/** The functions that the type declarations declare. */
function declared() {
  const declarations = fs.readFileSync(path.join(ROOT, 'index.d.ts'), 'utf8')
  const functions = [...declarations.matchAll(/^export function (\w+)/gm)].map(([, name]) => name)
  return [...new Set(functions)].sort()
}

describe('the package', PARALLEL, () => {
  it('exports to require exactly what its types declare', async () => {
    const said = await answer(`
      const heapdump = require(ADDON)
      say(Object.keys(heapdump).sort().map(function (name) {
        return [name, typeof heapdump[name]]
      }))`)
    assert.ok(declared().includes('writeSnapshot'))
    assert.deepEqual(
      said,
      declared().map((name) => [name, 'function']),
    )
  })

  it('exports the same to import, by name and as default', async () => {
    const cwd = project()
    const file = path.join(cwd, 'program.mjs')
    fs.writeFileSync(
      file,
      `import heapdump, { ${declared().join(', ')} } from 'rs-heapdump'
       import { createRequire } from 'node:module'
       const required = createRequire(import.meta.url)('rs-heapdump')
       const named = { ${declared().join(', ')} }
       console.log(JSON.stringify(heapdump === required))
       console.log(JSON.stringify(Object.keys(named).every((name) => named[name] === required[name])))
       writeSnapshot('a.heapsnapshot')
       const { path } = await writeSnapshotAsync('b.heapsnapshot')
       console.log(JSON.stringify(path.endsWith('b.heapsnapshot')))`,
    )
    const child = await run(`import(${JSON.stringify(file)})`, { cwd })
    assert.deepEqual(child.said, [true, true, true])
    assert.deepEqual(snapshotsIn(cwd), ['a.heapsnapshot', 'b.heapsnapshot'])
  })

  it('is found under its name by require, with its version', async () => {
    const cwd = project()
    const said = await answer(
      `
      const requireHere = module.constructor.createRequire(process.cwd() + '/program.js')
      const heapdump = requireHere('rs-heapdump')
      say(heapdump.support().version === requireHere('rs-heapdump/package.json').version)`,
      { cwd },
    )
    assert.equal(said, true)
  })

  it('functions need no receiver', async () => {
    const child = await run(`
      const writeSnapshot = require(ADDON).writeSnapshot
      say(writeSnapshot.call(undefined, 'a.heapsnapshot'))`)
    assert.deepEqual(child.said, [true])
  })

  it('says nothing and does nothing when loaded', async () => {
    const child = await run(`
      process.on('warning', function (warning) { say(warning.message) })
      const events = process.eventNames().length
      require(ADDON)
      say(process.eventNames().length - events)`)
    assert.equal(child.stderr, '')
    assert.deepEqual(fs.readdirSync(child.directory), [])
    assert.ok(child.said.length === 1 && child.said[0] <= 1, JSON.stringify(child.said))
  })
})

describe('a program that aliases heapdump to this package', PARALLEL, () => {
  it('runs unchanged', async () => {
    const cwd = project('heapdump')
    const target = path.join(cwd, 'var')
    fs.mkdirSync(target)
    // The program that heapdump's documentation shows, with a server around it.
    const program = `
      var heapdump = require('heapdump');
      var http = require('http');

      var server = http.createServer(function (req, res) { res.end(); }).listen(0, function () {
        heapdump.writeSnapshot('${target}/' + Date.now() + '.heapsnapshot');
        heapdump.writeSnapshot(function (err, filename) {
          console.log('dump written to', filename);
          server.close();
        });
      });`
    fs.writeFileSync(path.join(cwd, 'program.js'), program)
    const child = await run(`require(process.cwd() + '/program.js')`, { cwd })
    assert.equal(snapshotsIn(target).length, 1)
    const [name] = snapshotsIn(cwd)
    assert.match(child.stdout, new RegExp(`^dump written to ${name}$`, 'm'))
    assert.equal(child.stderr, '')
  })

  it('may import it too', async () => {
    const cwd = project('heapdump')
    const file = path.join(cwd, 'program.mjs')
    fs.writeFileSync(
      file,
      `import heapdump from 'heapdump'
       import * as namespace from 'heapdump'
       heapdump.writeSnapshot('a.heapsnapshot')
       namespace.writeSnapshot('b.heapsnapshot')`,
    )
    await run(`import(${JSON.stringify(file)})`, { cwd })
    assert.deepEqual(snapshotsIn(cwd), ['a.heapsnapshot', 'b.heapsnapshot'])
  })
})
