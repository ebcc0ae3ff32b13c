import { ask, CACHE } from './api.js'
import { confirmed } from './confirm.js'
import { byId, show } from './dom.js'
import { counted, words } from './words.js'

const form = byId('clear')
const pattern = byId('clear-pattern')

async function count(glob) {
  const { matching } = await ask('GET', `${CACHE}/matching`, { pattern: glob })
  return { matching, text: words.matching(counted(matching, 'keys'), glob) }
}

/** Runs one action at a time, and shows its result or its error. */
async function act(action) {
  const buttons = form.querySelectorAll('button')
  for (const button of buttons) button.disabled = true
  show('clear-result', '…')
  try {
    show('clear-result', await action())
  } catch (error) {
    show('clear-result', error.message, 'bad')
  }
  for (const button of buttons) button.disabled = false
}

async function clear(glob, query) {
  const { matching, text } = await count(glob)
  if (matching === 0) return text
  if (!(await confirmed({ title: words.clearTitle, text, yes: words.clear }))) return ''
  const { deleted } = await ask('DELETE', CACHE, query)
  return words.cleared(counted(deleted, 'keys'))
}

export function setUpClearing() {
  form.addEventListener('submit', (event) => {
    event.preventDefault()
    act(() => clear(pattern.value, { pattern: pattern.value }))
  })
  byId('preview').addEventListener('click', () => act(async () => (await count(pattern.value)).text))
  byId('clear-all').addEventListener('click', () => act(() => clear('*', { all: 'true' })))
}
