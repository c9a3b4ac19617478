// Numbers as people write them, and strings from a heap made safe to look at.

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB']
const GROUPED = new Intl.NumberFormat('en-US')

// Control characters, bidirectional controls, separators, what has no shape, halves of surrogate pairs: the
// same that the command line spells out.
const HOSTILE =
  /[\p{Cc}\p{Cs}\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e0fff}]/gu
const SHORT = new Map([
  ['\n', '\\n'],
  ['\r', '\\r'],
  ['\t', '\\t'],
])

function spellOut(character) {
  const units = Array.from({ length: character.length }, (_, at) => character.charCodeAt(at))
  return units.map((unit) => `\\u${unit.toString(16).padStart(4, '0')}`).join('')
}

/** A string with everything spelt out that could reorder, hide or break a line. */
export function visible(text) {
  return String(text ?? '').replace(HOSTILE, (character) => SHORT.get(character) ?? spellOut(character))
}

/** `visible`, and no longer than so many characters. */
export function shown(text, most = 160) {
  const whole = String(text ?? '')
  if (whole.length <= most) return visible(whole)
  return `${visible(whole.slice(0, most - 1))}…`
}

/** A sentence, its `names` apart: pairs of whether it is a name, and the text. */
export function prose(text, most = 1000) {
  const parts = shown(text, most).split(/`([^`]+)`/)
  return parts.map((part, at) => [at % 2 === 1, part]).filter(([, part]) => part !== '')
}

/** A line of source: indentation is kept, by spaces. */
export function code(line) {
  return visible(String(line ?? '').replace(/\t/g, '  ')).slice(0, 400)
}

/** `1,234,567` */
export function count(number) {
  return GROUPED.format(number)
}

/** `1 object`, `2 objects` */
export function counted(number, one, many = `${one}s`) {
  return `${count(number)} ${number === 1 ? one : many}`
}

/** The power of 1024 that suits a size. */
export function unit(bytes) {
  const power = Math.floor(Math.log2(Math.max(1, Math.abs(bytes))) / 10)
  return Math.min(power, UNITS.length - 1)
}

/** The unit's name. */
export function unitName(power) {
  return UNITS[power]
}

/** `1.5 MiB` */
export function size(bytes) {
  const power = unit(bytes)
  if (power === 0) return `${bytes} B`
  const value = bytes / 1024 ** power
  return `${value.toFixed(Math.abs(value) < 100 ? 1 : 0)} ${UNITS[power]}`
}

function signed(number, format) {
  if (number === 0) return '0'
  return `${number > 0 ? '+' : '−'}${format(Math.abs(number))}`
}

/** `+1.5 MiB` */
export const sizeDelta = (bytes) => signed(bytes, size)
/** `+1,234` */
export const countDelta = (number) => signed(number, count)

/** `92 %` */
export function percent(part, whole) {
  if (!(whole > 0)) return '–'
  const share = (100 * part) / whole
  return share > 0 && share < 1 ? '< 1 %' : `${Math.min(100, Math.round(share))} %`
}

/** `A`, `B`, … `Z`, then `27`: what a snapshot is called, as on the command line. */
export function letter(at) {
  return at < 26 ? String.fromCharCode(65 + at) : String(at + 1)
}

/** The last part of a path or URL. */
export function basename(file) {
  const parts = String(file ?? '').split(/[/\\]/)
  return parts.at(-1) || String(file ?? '')
}

/** `/srv/app/store.js:12:9`; a long path loses its beginning. */
export function place(source, most = 90) {
  if (!source) return ''
  const file = String(source.file ?? '(unknown script)').replace(/^file:\/\//, '')
  const cut = file.length > most ? `…${file.slice(1 - most)}` : file
  return `${visible(cut)}:${source.line}:${source.column}`
}

/** First and last of a list of numbers, and what lies between. */
export function ends(numbers) {
  const first = numbers?.[0] ?? 0
  const last = numbers?.at(-1) ?? 0
  return { first, last, delta: last - first }
}
