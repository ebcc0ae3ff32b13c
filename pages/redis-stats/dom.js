export const byId = (id) => document.getElementById(id)

const KINDS = ['good', 'warn', 'bad', 'muted']

/** Creates an element with these attributes (`on…`: listeners; `kind`: a colour class; null: omitted) and children. */
export function el(name, attributes = {}, ...children) {
  const element = document.createElement(name)
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue
    if (key.startsWith('on')) element.addEventListener(key.slice(2), value)
    else if (key === 'kind') element.classList.add(value)
    else element.setAttribute(key, value === true ? '' : value)
  }
  element.append(...children)
  return element
}

/** Sets a text only if it has changed, so that a selection survives updates. */
export function show(id, text, kind = null) {
  const element = typeof id === 'string' ? byId(id) : id
  if (element.textContent !== text) element.textContent = text
  for (const name of KINDS) element.classList.toggle(name, name === kind)
}

/** A text with line-break opportunities where a path, a key or an address has its separators. */
export const breakable = (text) => text.split(/(?<=[/@,]|\w:)/).flatMap((part) => [part, el('wbr')])

/** A bar that is filled to `part`, from 0 to 1. */
export function bar(part) {
  const fill = el('i')
  fill.style.width = `${Math.max(0, Math.min(1, part)) * 100}%`
  return el('span', { class: 'bar', 'aria-hidden': 'true' }, fill)
}

export const toggle = (selector, visible) => {
  for (const element of document.querySelectorAll(selector)) element.hidden = !visible
}
