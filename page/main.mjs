// The page: reads the data that it carries and draws each part, the answer first.

import { classes } from './classes.mjs'
import { h } from './dom.mjs'
import { footer } from './footer.mjs'
import { growth } from './growth.mjs'
import { owners } from './owners.mjs'
import { suspects } from './suspects.mjs'
import { shown } from './text.mjs'
import { theme } from './theme.mjs'
import { verdict } from './verdict.mjs'

const data = JSON.parse(document.getElementById('data').textContent)

document.title = shown(data.title || 'Leak report', 120)
document.getElementById('theme').append(theme())

const hero = h('div', { class: 'hero' }, verdict(data), growth(data))
const parts = [suspects(data), owners(data), classes(data)].filter(Boolean)
document.getElementById('main').append(hero, ...parts)

document.getElementById('contents').append(
  h(
    'ul',
    {},
    [hero.lastElementChild, ...parts].map((part) =>
      h('li', {}, h('a', { href: `#${part.id}` }, part.dataset.short ?? part.querySelector('h2').textContent)),
    ),
  ),
)
document.getElementById('footer').append(footer(data))

// On paper every suspect is open.
addEventListener('beforeprint', () => {
  for (const details of document.querySelectorAll('.suspects details')) details.open = true
})
