// Whether a report of the `leaks` command is right about a program.
//
//   judge(expected, report) // { hit, falseAlarm, owner, wrong: 'owner' | 'file' | 'nothing found' | null }
//
// Of a program that grows, the first suspect must name the owner, and the file that the growing thing
// comes from or that holds the owner. Of one that does not, nothing must be reported.

import path from 'node:path'

/** The share of programs that must be right. */
export const GOAL = 0.95

export function judge(expected, report) {
  const first = report.suspects[0]
  const verdict = { hit: false, falseAlarm: false, owner: first?.owner ?? '', cause: first?.cause ?? '', wrong: null }
  if (!expected.leaks) {
    verdict.falseAlarm = report.suspects.length > 0
    verdict.hit = !verdict.falseAlarm
    if (verdict.falseAlarm) verdict.wrong = 'false alarm'
    return verdict
  }
  if (!first) verdict.wrong = 'nothing found'
  else if (!expected.owner.some((pattern) => pattern.test(first.owner))) verdict.wrong = 'owner'
  else if (!namesFile(expected.file, first)) verdict.wrong = 'file'
  verdict.hit = verdict.wrong === null
  return verdict
}

function namesFile(files, suspect) {
  return [suspect.source, suspect.holder].some((place) => place && files.includes(path.basename(place.file)))
}
