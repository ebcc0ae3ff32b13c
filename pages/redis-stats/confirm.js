import { byId, show } from './dom.js'

/** Asks for confirmation before something is deleted; resolves to true if the user agrees. */
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
