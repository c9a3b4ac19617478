// Views which show prices while somebody looks at them.
import { filter, map, Subject } from 'rxjs'

const ticks = new Subject()

class View {
  constructor(symbol) {
    this.symbol = symbol
    this.rows = []
    ticks
      .pipe(
        filter((tick) => tick.symbol === symbol),
        map((tick) => ({ ...tick, label: `${tick.symbol} ${tick.price}` })),
      )
      .subscribe((row) => this.rows.push(row))
  }
}

export async function load(count) {
  for (let n = 0; n < count; n++) {
    new View(`S${n}`)
    if (n % 25 === 0) ticks.next({ symbol: 'S0', price: n })
    await null
  }
}
