// Carts of a shop. Who pays or leaves by the door has none any more.
import { randomUUID } from 'node:crypto'

class Cart {
  lines = []
  constructor(customer) {
    this.customer = customer
    this.openedAt = new Date()
  }
  add(sku, quantity) {
    this.lines.push({ sku, quantity, price: { amount: quantity * 9.95, currency: 'EUR' } })
  }
}

class CartService {
  carts = new Map()
  open(customer) {
    const id = randomUUID()
    this.carts.set(id, new Cart(customer))
    return id
  }
  checkout(id) {
    const cart = this.carts.get(id)
    this.carts.delete(id)
    return cart.lines.reduce((sum, line) => sum + line.price.amount, 0)
  }
}

const service = new CartService()

export async function load(count) {
  for (let n = 0; n < count; n++) {
    const id = service.open({ number: n, name: `customer ${n}` })
    for (let line = 0; line < 4; line++) service.carts.get(id).add(`sku-${line}`, line + 1)
    await null
    // One in five closes the browser instead.
    if (n % 5 !== 0) service.checkout(id)
  }
}
