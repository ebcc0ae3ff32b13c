import { language, words } from './words.js'

const CACHE = '/api/v1/admin/cache'
const number = new Intl.NumberFormat(language)

const form = document.getElementById('clear')
const pattern = document.getElementById('pattern')
const result = document.getElementById('clear-result')
const dialog = document.getElementById('confirm')

async function ask(method, path) {
  const answer = await fetch(path, { method })
  const body = await answer.json()
  if (!answer.ok) throw new Error(body.message)
  return body
}

async function count(glob) {
  const { matching } = await ask('GET', `${CACHE}/matching?${new URLSearchParams({ pattern: glob })}`)
  return { matching, text: words.matching(number.format(matching), glob) }
}

function confirmed(text) {
  document.getElementById('confirm-text').textContent = text
  dialog.returnValue = 'no'
  dialog.showModal()
  return new Promise((resolve) => {
    dialog.addEventListener('close', () => resolve(dialog.returnValue === 'yes'), { once: true })
  })
}

/** Runs one action at a time, and shows what it resolves to, or what went wrong. */
async function act(action) {
  const buttons = form.querySelectorAll('button')
  for (const button of buttons) button.disabled = true
  result.textContent = '…'
  try {
    result.textContent = await action()
  } catch (error) {
    result.textContent = error instanceof TypeError ? words.offline : error.message
  }
  for (const button of buttons) button.disabled = false
}

async function clear(glob, query) {
  const { matching, text } = await count(glob)
  if (matching === 0) return text
  if (!(await confirmed(text))) return ''
  const { deleted } = await ask('DELETE', `${CACHE}?${new URLSearchParams(query)}`)
  return words.cleared(number.format(deleted))
}

export function setUpClearing() {
  form.addEventListener('submit', (event) => {
    event.preventDefault()
    act(() => clear(pattern.value, { pattern: pattern.value }))
  })
  document.getElementById('preview').addEventListener('click', () => act(async () => (await count(pattern.value)).text))
  document.getElementById('clear-all').addEventListener('click', () => act(() => clear('*', { all: 'true' })))
}
