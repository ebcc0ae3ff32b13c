/** The number of words of a search that count. */
const MOST_WORDS = 16
/** Shorter words only match exactly: too many words begin with them. */
const SHORTEST_BEGINNING = 3
/** Up to this number of words, two adjacent ones may also be a compound. */
const MOST_JOINED = 5

/** Matches .NET, ASP.NET and the like in any case, but not `self.net`. */
const DOTNET = String.raw`(?:\.NET|(?<![\p{L}\p{N}_)\]])\.[nN][eE][tT]|(?<=(?<![\p{L}\p{N}])(?:[aA]sp|[vV]b|[aA]do))\.net)(?![\p{L}_])`
const dotnet = new RegExp(DOTNET, 'gu')

/** Matches a word of a text as written, with symbols as in C++, and compounds as a whole. */
export const written = new RegExp(
  String.raw`[cCfF]#|[cC]\+\+|${DOTNET}|[\p{L}\p{Nd}\p{M}]+(?:[-\u2011][\p{L}\p{Nd}\p{M}]+)?`,
  'gu'
)

/**
 * The words of a search without duplicates, normalized in the same way as the indexed text (`search_text` in the
 * migration `full_text_search`), so that they consist of letters and digits only.
 */
export function wordsOf(search: string): string[] {
  const text = foldCase(search.normalize('NFC'))
    .replaceAll('ё', 'е')
    .replace(/([cf])#/g, '$1sharp ')
    .replaceAll('c++', 'cplusplus ')
    .replace(dotnet, ' dotnet ')
  return [...new Set(text.match(/[\p{L}\p{Nd}\p{M}]+/gu))].slice(0, MOST_WORDS)
}

/** Each word joined with the next, as a possible compound: email for e-mail, fullstack for full stack. */
export function joinedOf(words: readonly string[]): string[] {
  return words.length > MOST_JOINED ? [] : words.slice(1).map((word, i) => `${words[i]}${word}`)
}

/** Whether a word is long enough to be searched for as the beginning of another, which the user may still be typing. */
export function isLong(word: string): boolean {
  return word.length >= SHORTEST_BEGINNING
}

/** Whether a word has only one or two letters, so that it is not stemmed (`search_vector` in the migration). */
export function isShort(word: string): boolean {
  return /^[a-zа-я]{1,2}$/.test(word)
}

/** Lower case like in PostgreSQL, letter by letter: without final sigmas, or letters that would become two. */
export function foldCase(text: string): string {
  return Array.from(text, (letter) => {
    const lower = letter.toLowerCase()
    return lower.length === letter.length ? lower : letter
  }).join('')
}
