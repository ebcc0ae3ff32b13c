/** What the page remembers of whoever looks at it, in this browser: theme and language. */
const read = (name) => {
  try {
    return localStorage.getItem(`aikademiya.${name}`)
  } catch {
    return null
  }
}

function remember(name, value) {
  try {
    localStorage.setItem(`aikademiya.${name}`, value)
  } catch {
    // A browser that keeps nothing asks for it anew.
  }
}

const ofBrowser = (navigator.languages?.[0] ?? navigator.language ?? 'en').toLowerCase().startsWith('ru') ? 'ru' : 'en'

/** `en` or `ru`: as chosen here, else as the browser says. */
export const language = ['en', 'ru'].includes(read('language')) ? read('language') : ofBrowser

const dark = matchMedia('(prefers-color-scheme: dark)')
const listeners = []

/** Calls back when the colours change: by choice, or with the system. */
export const onColours = (listener) => listeners.push(listener)
const tell = () => {
  for (const listener of listeners) listener()
}
dark.addEventListener('change', tell)

function setUp(name, value, change) {
  for (const input of document.querySelectorAll(`input[name=${name}]`)) {
    input.checked = input.value === value
    input.addEventListener('change', () => {
      remember(name, input.value)
      change(input.value)
    })
  }
}

/** The two switches. Everything is written anew in another language: the page loads again. */
export function setUpSettings() {
  setUp('language', language, () => location.reload())
  setUp('theme', read('theme') ?? 'system', (theme) => {
    document.documentElement.dataset.theme = theme
    tell()
  })
}
