const LATIN = "`qwertyuiop[]asdfghjkl;'zxcvbnm,."
const RUSSIAN = 'ёйцукенгшщзхъфывапролджэячсмитьбю'

const onTheOther = new Map([...LATIN].flatMap((latin, i) => pair(latin, RUSSIAN[i] ?? '')))

/** What the same keys write on the other layout of the keyboard, as `программирование` for `ghjuhfvvbhjdfybt`. */
export function withOtherLayout(search: string): string {
  return Array.from(search, (letter) => onTheOther.get(letter) ?? letter).join('')
}

function pair(a: string, b: string): [string, string][] {
  return [
    [a, b],
    [b, a]
  ]
}
