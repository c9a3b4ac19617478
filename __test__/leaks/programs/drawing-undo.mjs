// A drawing board with undo.
class History {
  #past = []
  #future = []

  push(state) {
    this.#past.push(state)
    this.#future.length = 0
  }

  undo() {
    const state = this.#past.pop()
    if (state) this.#future.push(state)
    return state
  }
}

class Board {
  constructor() {
    this.shapes = []
    this.history = new History()
  }

  draw(shape) {
    this.history.push(structuredClone(this.shapes))
    this.shapes = [...this.shapes.slice(-7), shape]
  }
}

const board = new Board()

export async function load(strokes) {
  for (let n = 0; n < strokes; n++) board.draw({ kind: 'line', from: [n, n], to: [n + 1, n + 1], colour: '#f00' })
}
