import { translate, words } from './words.js'

translate()
const form = document.getElementById('form')
const problem = document.getElementById('problem')

form.addEventListener('submit', async (event) => {
  event.preventDefault()
  problem.textContent = ''
  const { email, password } = Object.fromEntries(new FormData(form))
  const answer = await fetch('/api/v1/auth/login', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ email, password })
  }).catch(() => null)
  if (answer === null) problem.textContent = words.offline
  else if (!answer.ok) problem.textContent = answer.status === 401 ? words.wrongPassword : (await answer.json()).message
  else if ((await answer.json()).role !== 'admin') problem.textContent = words.adminsOnly
  else location.reload()
})

// Somebody who is signed in and gets this form is no admin.
const [navigation] = performance.getEntriesByType('navigation')
if (navigation?.responseStatus === 403) problem.textContent = words.adminsOnly
