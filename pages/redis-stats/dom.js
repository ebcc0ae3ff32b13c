export const byId = (id) => document.getElementById(id)

const KINDS = ['good', 'warn', 'bad', 'muted']

/** An element with these attributes (`on…` are listeners, `kind` a colour, null leaves out) and children. */
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

/** Writes a text where it has changed, so that what somebody has marked with the mouse stays marked. */
export function show(id, text, kind = null) {
  const element = typeof id === 'string' ? byId(id) : id
  if (element.textContent !== text) element.textContent = text
  for (const name of KINDS) element.classList.toggle(name, name === kind)
}

/** A text that may be broken where a path, a key or an address can be. */
export const breakable = (text) => text.split(/(?<=[/@,]|\w:)/).flatMap((part) => [part, el('wbr')])

/** A bar that is filled to this part of one. */
export function bar(part) {
  const fill = el('i')
  fill.style.width = `${Math.max(0, Math.min(1, part)) * 100}%`
  return el('span', { class: 'bar', 'aria-hidden': 'true' }, fill)
}

export const toggle = (selector, visible) => {
  for (const element of document.querySelectorAll(selector)) element.hidden = !visible
}
