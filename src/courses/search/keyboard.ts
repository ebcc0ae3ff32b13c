const LATIN = "`qwertyuiop[]asdfghjkl;'zxcvbnm,."
const RUSSIAN = 'ёйцукенгшщзхъфывапролджэячсмитьбю'

const otherLayout = new Map([...LATIN].flatMap((latin, i) => pair(latin, RUSSIAN[i] ?? '')))

/** What the same keys type on the other keyboard layout: `программирование` for `ghjuhfvvbhjdfybt`. */
export function withOtherLayout(search: string): string {
  return Array.from(search, (letter) => otherLayout.get(letter) ?? letter).join('')
}

function pair(a: string, b: string): [string, string][] {
  return [
    [a, b],
    [b, a]
  ]
}
