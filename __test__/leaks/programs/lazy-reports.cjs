'use strict'
// Reports are rendered when somebody opens the menu entry that belongs to them.
const menu = { title: 'Reports', actions: [] }

function parse(csv) {
  return csv.split('\n').map((line) => line.split(','))
}

function importReport(name, csv) {
  const rows = parse(csv)
  const summarize = () => rows.reduce((sum, row) => sum + Number(row[1]), 0)
  menu.actions.push({ title: `Open ${name}`, run: () => `report ${name}` })
  return summarize()
}

exports.load = async (count) => {
  for (let n = 0; n < count; n++) {
    const csv = Array.from({ length: 15 }, (_, row) => `item ${row} of ${n},${row}`).join('\n')
    importReport(`report-${n}`, csv)
  }
}
