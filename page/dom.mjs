// Makes elements. Everything that comes from a heap enters the page here, as text or as the value of a
// harmless attribute: there is no other way in, and the page's policy (trusted types) forbids markup from strings.

import { prose } from './text.mjs'

const SVG = 'http://www.w3.org/2000/svg'

function build(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value)
    else element.setAttribute(name, value === true ? '' : String(value))
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false))
  return element
}

/** An HTML element: `h('a', { href: '#top', onclick: go }, 'Up')`. Children are nodes or text; null is left out. */
export function h(tag, attributes = {}, ...children) {
  return build(document.createElement(tag), attributes, children)
}

/** An SVG element, likewise. */
export function svg(tag, attributes = {}, ...children) {
  return build(document.createElementNS(SVG, tag), attributes, children)
}

/** A sentence whose `names` stand in code. */
export function sentence(text, most) {
  return prose(text, most).map(([name, part]) => (name ? h('code', {}, part) : part))
}

/** A part of the page under a heading of its own, which the contents link to. */
export function section(id, title, ...children) {
  const heading = `${id}-title`
  return h('section', { id, 'aria-labelledby': heading }, h('h2', { id: heading }, title), ...children)
}
