// The oldest glibc that an addon loads with: the newest version that any of its symbols asks for.
//
//   node scripts/glibc-floor.mjs FILE           prints it
//   node scripts/glibc-floor.mjs FILE 2.17      and fails where it is newer than that
//
// Symbols that are asked for weakly count as well: the loader checks the versions of a library as a whole.

import { execFileSync } from 'node:child_process'
import { basename } from 'node:path'

/** The floor of `file`, such as '2.17'; throws where it is above `highest`, naming the symbols. */
export function checkFloor(file, highest) {
  const wanted = symbols(file)
  const floor = wanted.map(({ version }) => version).reduce((a, b) => (compare(a, b) > 0 ? a : b))
  if (highest && compare(floor, highest) > 0) {
    const above = wanted.filter(({ version }) => compare(version, highest) > 0)
    const names = above.map(({ name, version }) => `${name} (${version})`).join(', ')
    throw new Error(`${file} needs glibc ${floor}, not ${highest}: ${names}`)
  }
  return floor
}

function symbols(file) {
  const table = execFileSync('objdump', ['-T', file], { encoding: 'utf8', maxBuffer: 64 << 20 })
  const found = [...table.matchAll(/\(?GLIBC_([\d.]+)\)?\s+(\S+)$/gm)]
  if (found.length === 0) throw new Error(`${file} asks for no symbol of glibc`)
  return found.map(([, version, name]) => ({ version, name }))
}

function compare(a, b) {
  const [left, right] = [a, b].map((version) => version.split('.').map(Number))
  for (let at = 0; at < 3; at++) if ((left[at] ?? 0) !== (right[at] ?? 0)) return (left[at] ?? 0) - (right[at] ?? 0)
  return 0
}

if (process.argv[1] && basename(process.argv[1]) === 'glibc-floor.mjs') {
  const [file, highest] = process.argv.slice(2)
  try {
    console.log(checkFloor(file, highest))
  } catch (error) {
    console.error(`glibc-floor: ${error.message}`)
    process.exitCode = 1
  }
}
