/** In characters. No key is longer, so nobody needs a longer pattern. */
export const MAX_PATTERN_LENGTH = 512

/** Throws `RangeError` for a pattern that is too long. */
export function assertPattern(pattern: string): void {
  if (pattern.length > MAX_PATTERN_LENGTH) {
    throw new RangeError(`a pattern must not be longer than ${MAX_PATTERN_LENGTH} characters`)
  }
}

/** How many states one word of a set holds: `1 << 31` is negative, and the state after it would need a 33rd bit. */
const BITS = 31

type Accepts = (char: string) => boolean

/**
 * A pattern as an automaton. A character that `accepts[n]` takes leads from state n to n + 1; a star at n also keeps
 * state n.
 */
interface Automaton {
  readonly accepts: readonly Accepts[]
  readonly stars: ReadonlySet<number>
}

/**
 * A test that matches keys as Redis does (`stringmatchlen` in its util.c): `*` any text, `?` one character, `[a-c]`,
 * `[^a]`, and `\` before a literal character. Any text is a valid pattern. The states of the automaton are bits, and
 * there is no backtracking: the time is proportional to the length of the key, times one word for each 31 characters of
 * the pattern.
 */
export function matcher(pattern: string): (key: string) => boolean {
  const { accepts, stars } = parse(pattern)
  const words = Math.floor(accepts.length / BITS) + 1
  const kept = setOf(words, stars)
  const takers = new Map<string, Int32Array>()
  const takersOf = (char: string) => {
    const known = takers.get(char) ?? setOf(words, statesWhere(accepts, char))
    takers.set(char, known)
    return known
  }
  return (key) => {
    const states = setOf(words, [0])
    for (let at = 0; at < key.length; at++) if (!advance(states, takersOf(key.charAt(at)), kept)) return false
    return has(states, accepts.length)
  }
}

/** The same pattern with runs of stars collapsed into one: each star costs Redis time. */
export function collapseStars(pattern: string): string {
  // Within brackets, repeating a character makes no difference.
  return pattern.replace(/\\.|\*+/gs, (part) => (part.startsWith('*') ? '*' : part))
}

/** Replaces the states with those after one more character; false if none are left. */
function advance(states: Int32Array, takers: Int32Array, kept: Int32Array): boolean {
  let carry = 0
  let any = 0
  for (let w = 0; w < states.length; w++) {
    const before = states[w] ?? 0
    const moved = before & (takers[w] ?? 0)
    const after = ((moved << 1) & 0x7fffffff) | carry | (before & (kept[w] ?? 0))
    carry = moved >>> (BITS - 1)
    states[w] = after
    any |= after
  }
  return any !== 0
}

function setOf(words: number, states: Iterable<number>): Int32Array {
  const set = new Int32Array(words)
  for (const state of states) {
    const word = Math.floor(state / BITS)
    set[word] = (set[word] ?? 0) | (1 << (state % BITS))
  }
  return set
}

function has(set: Int32Array, state: number): boolean {
  return (((set[Math.floor(state / BITS)] ?? 0) >>> (state % BITS)) & 1) === 1
}

function* statesWhere(accepts: readonly Accepts[], char: string): Generator<number> {
  for (const [state, takes] of accepts.entries()) if (takes(char)) yield state
}

function parse(pattern: string): Automaton {
  const accepts: Accepts[] = []
  const stars = new Set<number>()
  for (let i = 0; i < pattern.length; i++) {
    const char = pattern.charAt(i)
    if (char === '*') stars.add(accepts.length)
    else if (char === '?') accepts.push(() => true)
    else if (char === '[') {
      const { test, end } = parseClass(pattern, i + 1)
      accepts.push(test)
      i = end
    } else {
      const literal = char === '\\' && i + 1 < pattern.length ? pattern.charAt(++i) : char
      accepts.push((other) => other === literal)
    }
  }
  return { accepts, stars }
}

/**
 * A character class: from `start`, after the opening bracket, to the closing one, or else to the end of the pattern.
 */
function parseClass(pattern: string, start: number): { test: Accepts; end: number } {
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
