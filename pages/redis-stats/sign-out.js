import { ask } from './api.js'
import { byId, show } from './dom.js'

/** Signs the user of this page out. */
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
