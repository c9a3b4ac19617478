// Light or dark: as the system has it, until the reader chooses.

import { h } from './dom.mjs'

export function theme() {
  const root = document.documentElement
  const system = matchMedia('(prefers-color-scheme: dark)')
  let chosen = null
  const button = h('button', { type: 'button', class: 'quiet' })
  const apply = () => {
    const now = chosen ?? (system.matches ? 'dark' : 'light')
    root.dataset.theme = now
    button.textContent = now === 'dark' ? 'Light theme' : 'Dark theme'
  }
  button.addEventListener('click', () => {
    chosen = root.dataset.theme === 'dark' ? 'light' : 'dark'
    apply()
  })
  system.addEventListener('change', apply)
  apply()
  return button
}
