// Bundles DevTools' own heap snapshot code (front_end/entrypoints/heap_snapshot_worker) into one
// file that runs under Node. Only `core/i18n/locales.js` is replaced: it is generated, is not in the
// package, and no figure depends on it. Everything that computes is DevTools', unmodified.

import { existsSync, mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const here = dirname(fileURLToPath(import.meta.url))
const worker = join(here, 'node_modules/chrome-devtools-frontend/front_end/entrypoints/heap_snapshot_worker')

const devtoolsSources = {
  name: 'devtools-sources',
  setup(build) {
    build.onResolve({ filter: /\/locales\.js$/ }, () => ({ path: 'locales', namespace: 'stub' }))
    build.onLoad({ filter: /.*/, namespace: 'stub' }, () => ({
      contents: `
        export const LOCALES = ['en-US'];
        export const BUNDLED_LOCALES = ['en-US'];
        export const DEFAULT_LOCALE = 'en-US';
        export const REMOTE_FETCH_PATTERN = '';
        export const LOCAL_FETCH_PATTERN = '';`,
      loader: 'js',
    }))
    // TypeScript sources are imported under the name they will be compiled to.
    build.onResolve({ filter: /^\.{1,2}\/.*\.js$/ }, (args) => {
      const path = join(args.resolveDir, args.path.replace(/\.js$/, '.ts'))
      return existsSync(path) ? { path } : undefined
    })
  },
}

mkdirSync(join(here, 'dist'), { recursive: true })
await build({
  stdin: {
    contents: `
      export * as HeapSnapshot from './HeapSnapshot.ts';
      export * as HeapSnapshotLoader from './HeapSnapshotLoader.ts';`,
    resolveDir: worker,
    loader: 'ts',
  },
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  outfile: join(here, 'dist/devtools.mjs'),
  // `Promise.withResolvers` is missing below Node 22.
  banner: {
    js: `Promise.withResolvers ??= function () {
      let resolve, reject;
      const promise = new Promise((a, b) => { resolve = a; reject = b; });
      return { promise, resolve, reject };
    };`,
  },
  plugins: [devtoolsSources],
  logLevel: 'warning',
})
