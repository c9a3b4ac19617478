// Response times by route, as the old admin page wants them.
var http = require('http')
var client = require('../client.cjs')

responseTimes = []

function track(req, res) {
  var started = process.hrtime()
  res.on('finish', function () {
    var elapsed = process.hrtime(started)
    responseTimes.push({ route: req.url, method: req.method, ms: elapsed[0] * 1e3 + elapsed[1] / 1e6, agent: req.headers['x-agent'] })
  })
}

var server = http.createServer(function (req, res) {
  track(req, res)
  res.end('ok')
})

exports.load = async function (count) {
  for (var n = 0; n < count; n++) {
    await client.request(server, '/api/items/' + n + '?expand=owner,comments,history', { headers: { 'x-agent': 'probe/' + n } })
  }
}
exports.close = function () {
  server.close()
}
