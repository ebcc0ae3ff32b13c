/**
 * A test for keys by a pattern as Redis matches it (`stringmatchlen` in its util.c): `*` any text,
 * `?` one character, `[a-c]`, `[^a]`, and `\` before a character that means itself.
 */
export function matcher(pattern: string): (key: string) => boolean {
  let source = ''
  for (let i = 0; i < pattern.length; i++) {
    const char = pattern.charAt(i)
    const close = char === '[' ? pattern.indexOf(']', i + 1) : -1
    if (char === '*') source += '.*'
    else if (char === '?') source += '.'
    else if (close !== -1) {
      source += characterClass(pattern.slice(i + 1, close))
      i = close
    } else {
      if (char === '\\' && i + 1 < pattern.length) i++
      source += literal(pattern.charAt(i))
    }
  }
  const regexp = new RegExp(`^${source}$`, 's')
  return (key) => regexp.test(key)
}

function characterClass(members: string): string {
  const negated = members.startsWith('^')
  const list = (negated ? members.slice(1) : members).replace(/[\\\]^[]/g, '\\$&')
  // An empty class matches nothing, an empty negated one everything, in Redis and in JavaScript alike.
  return `[${negated ? '^' : ''}${list}]`
}

function literal(char: string): string {
  return char.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')
}
