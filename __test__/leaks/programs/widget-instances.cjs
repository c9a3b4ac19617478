'use strict'
class Widget {
  static instances = []

  constructor(name) {
    this.name = name
    this.state = { open: false, size: [10, 20] }
    Widget.instances.push(this)
  }

  static refresh() {
    for (const widget of Widget.instances) widget.state.open = false
  }
}

let next = 0
exports.load = async (count) => {
  for (let n = 0; n < count; n++) new Widget(`widget ${next++}`)
  Widget.refresh()
}
