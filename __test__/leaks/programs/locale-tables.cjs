'use strict'
const tables = {}

function table(locale) {
  tables[locale] ??= { locale, words: Array.from({ length: 40 }, (_, at) => `${locale}-${at}`) }
  return tables[locale]
}

exports.load = async (count) => {
  for (let n = 0; n < count; n++) table(`xx-${n % 120}`).words.includes('none')
}
