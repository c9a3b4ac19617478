class Prices {
  static #formats = new Map()

  static format(amount, options) {
    const key = JSON.stringify(options)
    let format = Prices.#formats.get(key)
    if (!format) {
      format = { use: new Intl.NumberFormat('en', { maximumFractionDigits: 2 }), options, made: [amount] }
      Prices.#formats.set(key, format)
    }
    return format.use.format(amount)
  }
}

let next = 0
export async function load(count) {
  for (let n = 0; n < count; n++) Prices.format(n, { style: 'decimal', trace: next++ })
}
