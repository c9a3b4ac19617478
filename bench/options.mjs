// Values of command-line options that the benches have in common: what makes no sense ends the process.

/** A list of known names, separated by commas. */
export function choose(name, text, known) {
  const chosen = text.split(',')
  const unknown = chosen.find((each) => !known.includes(each))
  if (unknown !== undefined) fail(`--${name}: no "${unknown}", only ${known.join(', ')}`)
  return chosen
}

/** A positive whole number. */
export function positive(name, text) {
  const value = Number(text)
  if (!Number.isInteger(value) || value < 1) fail(`--${name}: "${text}" is not a positive whole number`)
  return value
}

function fail(message) {
  console.error(message)
  process.exit(2)
}
