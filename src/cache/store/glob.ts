type Token = '*' | ((char: string) => boolean)

/**
 * A test for keys by a pattern as Redis matches it (`stringmatchlen` in its util.c): `*` any text, `?` one character,
 * `[a-c]`, `[^a]`, and `\` before a character that means itself. Any text is a pattern; the time it takes is at most the
 * product of both lengths.
 */
export function matcher(pattern: string): (key: string) => boolean {
  const tokens = parse(pattern)
  return (key) => matches(tokens, key)
}

/** Goes back to the last star only: an earlier one can match no more than the last one does. */
function matches(tokens: readonly Token[], key: string): boolean {
  let at = 0
  let next = 0
  let star = -1
  let resume = 0
  while (at < key.length) {
    const token = tokens[next]
    if (token === '*') {
      star = next++
      resume = at
    } else if (token?.(key.charAt(at))) {
      next++
      at++
    } else if (star !== -1) {
      next = star + 1
      at = ++resume
    } else return false
  }
  while (tokens[next] === '*') next++
  return next === tokens.length
}

function parse(pattern: string): Token[] {
  const tokens: Token[] = []
  for (let i = 0; i < pattern.length; i++) {
    const char = pattern.charAt(i)
    if (char === '*') tokens.push('*')
    else if (char === '?') tokens.push(() => true)
    else if (char === '[') {
      const { test, end } = parseClass(pattern, i + 1)
      tokens.push(test)
      i = end
    } else {
      const literal = char === '\\' && i + 1 < pattern.length ? pattern.charAt(++i) : char
      tokens.push((other) => other === literal)
    }
  }
  return tokens
}

/** A class from `start`, behind its bracket, to its closing one, or to the end of the pattern where it has none. */
function parseClass(pattern: string, start: number): { test: (char: string) => boolean; end: number } {
  const negated = pattern.charAt(start) === '^'
  const ranges: [string, string][] = []
  let i = negated ? start + 1 : start
  for (; i < pattern.length && pattern.charAt(i) !== ']'; i++) {
    const char = pattern.charAt(i)
    if (char === '\\' && i + 1 < pattern.length) {
      const literal = pattern.charAt(++i)
      ranges.push([literal, literal])
    } else if (pattern.charAt(i + 1) === '-' && i + 2 < pattern.length) {
      const other = pattern.charAt(i + 2)
      ranges.push(char < other ? [char, other] : [other, char])
      i += 2
    } else ranges.push([char, char])
  }
  return { test: (char) => ranges.some(([low, high]) => low <= char && char <= high) !== negated, end: i }
}
