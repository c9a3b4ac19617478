// Players of a game listen to the clock of the world.
import EventEmitter from 'eventemitter3'

const world = new EventEmitter()

class Player {
  constructor(name) {
    this.name = name
    this.position = { x: 0, y: 0 }
    this.inventory = [{ item: 'torch', of: name }, { item: 'rope', of: name }]
    world.on('tick', this.move, this)
  }
  move(step) {
    this.position.x += step
  }
}

export async function load(count) {
  for (let n = 0; n < count; n++) {
    const player = new Player(`player ${n}`)
    player.move(1)
    if (n % 40 === 0) world.emit('tick', 1)
  }
}
