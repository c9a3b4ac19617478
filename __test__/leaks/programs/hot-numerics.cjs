'use strict'
// Much arithmetic, in functions that get hot one after another.
function makeKernel(k) {
  return new Function('a', 'b', `let s = ${k}; for (let i = 0; i < a.length; i++) s += a[i] * b[i] + ${k}; return s`)
}
const kernels = Array.from({ length: 40 }, (_, k) => makeKernel(k))
const a = Array.from({ length: 300 }, (_, n) => n / 3)
const b = a.map((n) => n * 2)

class Vector {
  constructor(x, y) {
    this.x = x
    this.y = y
  }
  add(other) {
    return new Vector(this.x + other.x, this.y + other.y)
  }
}

let n = 0
exports.load = async (count) => {
  let sum = new Vector(0, 0)
  for (let end = n + count; n < end; n++) {
    // Up to a tenth more of the functions are in use with each load.
    for (let k = 0; k < Math.min(kernels.length, 10 + n / 10); k++) sum = sum.add(new Vector(kernels[k](a, b), n))
  }
  return sum
}
