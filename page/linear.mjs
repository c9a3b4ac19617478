// A linear scale.

/** The function that takes `[from, to]` to `[start, end]`. */
export function linear([from, to], [start, end]) {
  return (value) => start + ((value - from) / (to - from)) * (end - start)
}
