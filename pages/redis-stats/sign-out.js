import { ask } from './api.js'
import { byId, show } from './dom.js'

/** Ends the session of the page itself. */
export function setUpSignOut() {
  byId('sign-out').addEventListener('click', async () => {
    try {
      await ask('POST', '/api/v1/auth/logout')
      location.reload()
    } catch (error) {
      show('state', error.message, 'bad')
    }
  })
}
