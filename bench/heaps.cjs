// The three heaps that captures are measured on. Each returns what has to stay reachable.
//
// Counts are fixed, not bytes: so that a heap is the same in each process, whichever Node runs it.

/** About 100 MB in 2.8 million small objects and numbers: many nodes, and V8's graph costs by the node. */
function objects() {
  class Leaf {
    constructor(value) {
      this.value = value
    }
  }
  class Item {
    constructor(id) {
      this.id = id
      this.score = id * 1.5
      this.left = new Leaf(id)
      this.right = new Leaf(id + 1)
    }
  }
  return Array.from({ length: 700_000 }, (_, id) => new Item(id))
}

/** 100 MB in 1,600 flat strings of 64 KiB: hardly any graph, for V8 cuts strings at 1024 characters. */
function strings() {
  // One buffer for all: 100 MB of garbage buffers would leave RSS in a different state each time.
  const buffer = Buffer.alloc(64 * 1024)
  return Array.from({ length: 1600 }, (_, index) => {
    return buffer.fill(`string number ${index}, `).toString('latin1')
  })
}

/**
 * The TypeScript compiler, one script of 9 MB with thousands of closures, and a program that it has
 * parsed and bound: like a bundled server at work.
 */
function typescript(modulePath) {
  const ts = require(modulePath)
  const { dirname, join } = require('node:path')
  const lib = dirname(require.resolve(modulePath))
  const rootNames = ['lib.es5.d.ts', 'typescript.d.ts'].map((name) => join(lib, name))
  const program = ts.createProgram({ rootNames, options: { noLib: true, types: [] } })
  program.getTypeChecker()
  return { ts, program }
}

module.exports = { objects, strings, typescript }
