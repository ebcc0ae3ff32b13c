const ALPHABETS = ['abcdefghijklmnopqrstuvwxyz', 'абвгдежзийклмнопрстуфхцчшщъыьэюя'].map((letters) => [...letters])

/** All words that differ from this one by one typo: a letter left out, added, replaced, or swapped with the next. */
export function oneErrorFrom(word: string): string[] {
  const letters = [...word]
  const alphabet = ALPHABETS.find((alphabet) => letters.some((letter) => alphabet.includes(letter))) ?? []
  const found = new Set<string>()
  for (let i = 0; i <= letters.length; i++) {
    const before = letters.slice(0, i).join('')
    const [here = '', next = ''] = letters.slice(i, i + 2)
    const rest = letters.slice(i + 1).join('')
    const afterNext = letters.slice(i + 2).join('')
    found.add(before + rest).add(before + next + here + afterNext)
    for (const letter of alphabet) found.add(before + letter + rest).add(before + letter + here + rest)
  }
  found.delete(word)
  return [...found]
}

/** The number of such typos between two words (Damerau–Levenshtein distance, optimal string alignment). */
export function errorsBetween(a: string, b: string): number {
  const [left, right] = [[...a], [...b]]
  let beforeLast: number[] = []
  let last = Array.from({ length: right.length + 1 }, (_, j) => j)
  for (const [i, letter] of left.entries()) {
    const row = [i + 1]
    for (const [j, other] of right.entries()) {
      const isSame = letter === other
      const isSwapped = i > 0 && j > 0 && letter === right[j - 1] && left[i - 1] === other
      row.push(
        Math.min(
          at(row, j) + 1,
          at(last, j + 1) + 1,
          at(last, j) + (isSame ? 0 : 1),
          isSwapped ? at(beforeLast, j - 1) + 1 : Number.POSITIVE_INFINITY
        )
      )
    }
    beforeLast = last
    last = row
  }
  return at(last, right.length)
}

function at(row: readonly number[], i: number): number {
  return row[i] ?? Number.POSITIVE_INFINITY
}
