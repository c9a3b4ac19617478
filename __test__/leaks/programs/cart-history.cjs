'use strict'
function Cart(owner) {
  this.owner = owner
}
Cart.prototype.history = []
Cart.prototype.add = function (item) {
  this.history.push({ item, owner: this.owner })
}

let next = 0
exports.load = async (count) => {
  for (let n = 0; n < count; n++) {
    const cart = new Cart({ id: next++ })
    cart.add({ sku: `sku-${n}` })
  }
}
