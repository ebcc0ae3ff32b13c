/** More of a search are not looked at. */
const MOST_WORDS = 16
/** Shorter ones are looked for as they are: too much begins with them. */
const SHORTEST_BEGINNING = 3

/**
 * The words of what is searched for, each once: made the same as the text that they are looked for in (`search_text` in the migration
 * `full_text_search`), of letters and digits alone.
 */
export function wordsOf(search: string): string[] {
  const text = foldCase(search.normalize('NFC'))
    .replaceAll('ё', 'е')
    .replace(/([cf])#/g, '$1sharp ')
    .replaceAll('c++', 'cplusplus ')
  return [...new Set(text.match(/[\p{L}\p{N}\p{M}]+/gu))].slice(0, MOST_WORDS)
}

/** Whether a word may be the beginning of a longer one, which somebody is still typing. */
export function isLong(word: string): boolean {
  return word.length >= SHORTEST_BEGINNING
}

/** Lower case as PostgreSQL has it, letter by letter: not final sigmas, nor letters that become two. */
export function foldCase(text: string): string {
  return Array.from(text, (letter) => {
    const lower = letter.toLowerCase()
    return lower.length === letter.length ? lower : letter
  }).join('')
}
