import { byId, show } from './dom.js'

/** Asks before something is taken away: true when that is wanted. */
export function confirmed({ title, text, yes }) {
  const dialog = byId('confirm')
  show('confirm-title', title)
  show('confirm-text', text)
  show('confirm-yes', yes)
  dialog.returnValue = 'no'
  dialog.showModal()
  return new Promise((resolve) => {
    dialog.addEventListener('close', () => resolve(dialog.returnValue === 'yes'), { once: true })
  })
}
