import { byId, show } from './dom.js'
import { words } from './words.js'

/** The sections of the page, named in the URL: `#keys?pattern=course:*`. */
const VIEWS = ['overview', 'keys', 'routes', 'sessions', 'processes']
const openers = {}
let open = null

/** Registers a callback that gets the parameters of the URL when a section is opened. */
export function onOpen(view, opener) {
  openers[view] = opener
}

/** The current section. */
export const openView = () => open

/** Changes the parameters in the URL without adding to the browser's history. */
export function replaceAddress(view, parameters) {
  const text = String(new URLSearchParams(parameters))
  history.replaceState(null, '', `#${view}${text === '' ? '' : `?${text}`}`)
}

function go() {
  const [name, query = ''] = location.hash.slice(1).split('?')
  if (!VIEWS.includes(name) && open !== null) return
  const moved = open !== null && open !== name
  open = VIEWS.includes(name) ? name : VIEWS[0]
  for (const view of VIEWS) byId(`view-${view}`).hidden = view !== open
  for (const link of document.querySelectorAll('nav a')) {
    if (link.hash === `#${open}`) link.setAttribute('aria-current', 'page')
    else link.removeAttribute('aria-current')
  }
  show('view-title', words[open])
  document.title = `${words[open]} · ${words.title} · AI Akademiya`
  if (moved) scrollTo(0, 0)
  openers[open]?.(Object.fromEntries(new URLSearchParams(query)))
}

export function setUpNavigation() {
  addEventListener('hashchange', go)
  go()
}
