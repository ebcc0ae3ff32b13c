/** More of a search are not looked at. */
const MOST_WORDS = 16
/** Shorter ones are looked for as they are: too much begins with them. */
const SHORTEST_BEGINNING = 3
/** Of so many words two that are next to each other may be one. */
const MOST_JOINED = 5

/** Where .NET begins, in text of any case: not in `self.net`. */
const DOTNET = String.raw`(?:\.NET|(?<![\p{L}\p{N}_)\]])\.[nN][eE][tT]|(?<=(?<![\p{L}\p{N}])(?:[aA]sp|[vV]b|[aA]do))\.net)(?![\p{L}_])`
const dotnet = new RegExp(DOTNET, 'gu')

/** A word of a text as it is written there: with its signs, and a compound in whole. */
export const written = new RegExp(
  String.raw`[cCfF]#|[cC]\+\+|${DOTNET}|[\p{L}\p{Nd}\p{M}]+(?:[-\u2011][\p{L}\p{Nd}\p{M}]+)?`,
  'gu'
)

/**
 * The words of what is searched for, each once: made the same as the text that they are looked for in (`search_text` in the migration
 * `full_text_search`), of letters and digits alone.
 */
export function wordsOf(search: string): string[] {
  const text = foldCase(search.normalize('NFC'))
    .replaceAll('ё', 'е')
    .replace(/([cf])#/g, '$1sharp ')
    .replaceAll('c++', 'cplusplus ')
    .replace(dotnet, ' dotnet ')
  return [...new Set(text.match(/[\p{L}\p{Nd}\p{M}]+/gu))].slice(0, MOST_WORDS)
}

/** Each word with the next as one, which may be written so: email for e-mail, fullstack for full stack. */
export function joinedOf(words: readonly string[]): string[] {
  return words.length > MOST_JOINED ? [] : words.slice(1).map((word, i) => `${words[i]}${word}`)
}

/** Whether a word may be the beginning of a longer one, which somebody is still typing. */
export function isLong(word: string): boolean {
  return word.length >= SHORTEST_BEGINNING
}

/** Whether a word has one or two letters, and so is no form of another (`search_vector` in the migration). */
export function isShort(word: string): boolean {
  return /^[a-zа-я]{1,2}$/.test(word)
}

/** Lower case as PostgreSQL has it, letter by letter: not final sigmas, nor letters that become two. */
export function foldCase(text: string): string {
  return Array.from(text, (letter) => {
    const lower = letter.toLowerCase()
    return lower.length === letter.length ? lower : letter
  }).join('')
}
