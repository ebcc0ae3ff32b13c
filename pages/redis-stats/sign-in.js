import { byId } from './dom.js'
import { setUpSettings } from './settings.js'
import { translate, words } from './words.js'

translate()
setUpSettings()
const form = byId('form')
const problem = byId('problem')

async function signIn({ email, password }) {
  const answer = await fetch('/api/v1/auth/login', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ email, password })
  }).catch(() => null)
  if (answer === null) return words.offline
  const body = await answer.json().catch(() => null)
  if (answer.status === 401) return words.wrongPassword
  if (answer.status === 503) return words.noSignIn
  if (!answer.ok) return body?.message ?? `HTTP ${answer.status}`
  if (body?.role !== 'admin') return words.adminsOnly
  // Reload without the token of an expired link.
  if (location.search === '') location.reload()
  else location.replace(location.pathname + location.hash)
  return ''
}

form.addEventListener('submit', async (event) => {
  event.preventDefault()
  problem.textContent = ''
  problem.textContent = await signIn(Object.fromEntries(new FormData(form)))
})

// A signed-in user who gets this form is not an admin, and a valid link never leads to this form.
const [navigation] = performance.getEntriesByType('navigation')
if (new URLSearchParams(location.search).has('token')) problem.textContent = words.linkRefused
else if (navigation?.responseStatus === 403) problem.textContent = words.adminsOnly
