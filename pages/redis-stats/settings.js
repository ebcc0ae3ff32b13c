/** Settings stored in this browser: theme and language. */
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
    // Storage is blocked: the setting is lost on reload.
  }
}

const ofBrowser = (navigator.languages?.[0] ?? navigator.language ?? 'en').toLowerCase().startsWith('ru') ? 'ru' : 'en'

/** `en` or `ru`: as chosen here, else by the browser's language. */
export const language = ['en', 'ru'].includes(read('language')) ? read('language') : ofBrowser

const dark = matchMedia('(prefers-color-scheme: dark)')
const listeners = []

/** Registers a callback for changes of the colour theme, by the user or the system. */
export const onColours = (listener) => listeners.push(listener)
const notifyListeners = () => {
  for (const listener of listeners) listener()
}
dark.addEventListener('change', notifyListeners)

function setUp(name, value, change) {
  for (const input of document.querySelectorAll(`input[name=${name}]`)) {
    input.checked = input.value === value
    input.addEventListener('change', () => {
      remember(name, input.value)
      change(input.value)
    })
  }
}

/** Sets up both switches. Changing the language reloads the page. */
export function setUpSettings() {
  setUp('language', language, () => location.reload())
  setUp('theme', read('theme') ?? 'system', (theme) => {
    document.documentElement.dataset.theme = theme
    notifyListeners()
  })
}
