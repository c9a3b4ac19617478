// The type declarations say what is true, and refuse what is not.

import { spawnSync } from 'node:child_process'
import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { PARALLEL, ROOT, temporaryDirectory } from './helpers.mjs'

const PROGRAM = fileURLToPath(new URL('types/index.test-d.ts', import.meta.url))
const COMPILER = path.join(ROOT, 'node_modules/typescript/bin/tsc')

describe('the type declarations', PARALLEL, () => {
  // As an ES module, as CommonJS, and as a bundler sees it.
  const settings = [
    ['program.mts', { module: 'nodenext', moduleResolution: 'nodenext' }],
    ['program.cts', { module: 'nodenext', moduleResolution: 'nodenext' }],
    ['program.ts', { module: 'esnext', moduleResolution: 'bundler' }],
  ]
  for (const [name, options] of settings) {
    it(`fit the program of ${path.basename(PROGRAM)}, as ${name}`, () => {
      const directory = temporaryDirectory()
      const installed = path.join(directory, 'node_modules')
      fs.mkdirSync(path.join(installed, '@types'), { recursive: true })
      fs.symlinkSync(ROOT, path.join(installed, 'rs-heapdump'))
      fs.symlinkSync(path.join(ROOT, 'node_modules/@types/node'), path.join(installed, '@types/node'))
      fs.copyFileSync(PROGRAM, path.join(directory, name))
      const compilerOptions = {
        ...options,
        target: 'es2022',
        strict: true,
        exactOptionalPropertyTypes: true,
        noEmit: true,
        types: ['node'],
      }
      fs.writeFileSync(
        path.join(directory, 'tsconfig.json'),
        JSON.stringify({ compilerOptions, files: [name] }),
      )
      const { status, stdout, stderr } = spawnSync(
        process.execPath,
        [COMPILER, '--project', directory],
        { encoding: 'utf8' },
      )
      assert.equal(status, 0, stdout + stderr)
    })
  }
})
