'use strict'
// Plug-ins wrap the handler, and are put in again with every change of the configuration.
let handle = (request) => ({ status: 200, body: request.path })

function install(plugin) {
  const next = handle
  handle = function wrapped(request) {
    request.seen = plugin.name
    return plugin.active ? next(request) : { status: 503 }
  }
}

let revision = 0
exports.load = async (count) => {
  for (let n = 0; n < count; n++) {
    revision++
    install({ name: `plugin-${revision}`, active: true, options: { revision, rules: [`rule ${revision}`, 'allow'] } })
    if (n % 50 === 0) handle({ path: '/' })
  }
}
