import { language } from './settings.js'
import { english } from './words-english.js'
import { russian } from './words-russian.js'

/** The texts of the page, in the language from `settings.js`. */
export const words = language === 'ru' ? russian : english

const rules = new Intl.PluralRules(language)
const number = new Intl.NumberFormat(language)

/** A count with its noun in the right form: `3 keys`, `3 ключа`; `noun` is a key of `words.nouns`. */
export const counted = (count, noun) => `${number.format(count)} ${words.nouns[noun][rules.select(count)]}`

/** Fills in the texts of all elements, their labels for screen readers, and the placeholders. */
export function translate() {
  document.documentElement.lang = language
  for (const element of document.querySelectorAll('[data-word]')) element.textContent = words[element.dataset.word]
  for (const element of document.querySelectorAll('[data-word-label]')) {
    element.setAttribute('aria-label', words[element.dataset.wordLabel])
  }
  for (const element of document.querySelectorAll('[data-word-placeholder]')) {
    element.placeholder = words[element.dataset.wordPlaceholder]
  }
}
