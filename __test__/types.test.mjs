// The type declarations say what is true, and refuse what is not.

import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { Child, PARALLEL, ROOT, temporaryDirectory } from './helpers.mjs'

const PROGRAM = fileURLToPath(new URL('types/index.test-d.ts', import.meta.url))
const COMPILER = path.join(ROOT, 'node_modules/typescript/bin/tsc')

describe('the type declarations', PARALLEL, () => {
  // As an ES module and as CommonJS; and as a bundler sees it, which needs less checking.
  const settings = [
    [['program.mts', 'program.cts'], { module: 'nodenext', moduleResolution: 'nodenext' }],
    [['program.ts'], { module: 'esnext', moduleResolution: 'bundler', skipLibCheck: true }],
  ]
  for (const [files, options] of settings) {
    it(`fit the program of ${path.basename(PROGRAM)}, as ${files.join(' and ')}`, async () => {
      const directory = temporaryDirectory()
      const installed = path.join(directory, 'node_modules')
      fs.mkdirSync(path.join(installed, '@types'), { recursive: true })
      fs.symlinkSync(ROOT, path.join(installed, 'rs-heapdump'))
      fs.symlinkSync(path.join(ROOT, 'node_modules/@types/node'), path.join(installed, '@types/node'))
      for (const file of files) fs.copyFileSync(PROGRAM, path.join(directory, file))
      const compilerOptions = {
        ...options,
        target: 'es2022',
        lib: ['es2022'],
        strict: true,
        exactOptionalPropertyTypes: true,
        noEmit: true,
        types: ['node'],
      }
      fs.writeFileSync(path.join(directory, 'tsconfig.json'), JSON.stringify({ compilerOptions, files }))
      const compiler = new Child(process.execPath, [COMPILER, '--project', directory], {
        cwd: directory,
      })
      await compiler.ended()
      assert.equal(compiler.stdout + compiler.stderr, '')
    })
  }
})
