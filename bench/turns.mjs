// The order of trials: in each round one of every contender, and each round begins with another contender, so that none
// always runs on the machine that the same one has left.

/** `[round, contender]`, for as many rounds. */
export function* turns(contenders, rounds) {
  for (let round = 0; round < rounds; round++) {
    for (let at = 0; at < contenders.length; at++) yield [round, contenders[(at + round) % contenders.length]]
  }
}

/** What `trial(contender)` gave in each round, by contender; one after the other. */
export async function inTurns(contenders, rounds, trial) {
  const trials = new Map(contenders.map((contender) => [contender, []]))
  for (const [, contender] of turns(contenders, rounds)) trials.get(contender).push(await trial(contender))
  return trials
}
