/** Valid and invalid values for a JSON schema, from a seeded random generator, so that a run can be repeated. */

export interface Schema {
  readonly type?: string
  readonly enum?: readonly unknown[]
  readonly anyOf?: readonly Schema[]
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
  readonly items?: Schema
  readonly minItems?: number
  readonly minProperties?: number
  readonly minimum?: number
  readonly maximum?: number
  readonly minLength?: number
  readonly maxLength?: number
  readonly pattern?: string
  readonly format?: string
}

const IDS_KEPT = 200
const MAX_ID = 2_147_483_647

export class Chance {
  #state: number
  #ids: number[] = []

  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  /** Keeps the ids in an answer, so that later requests hit existing resources. */
  remember(answer: string): void {
    const ids = Array.from(answer.matchAll(/"id":(\d+)/g), ([, id]) => Number(id))
    this.#ids = [...ids.slice(0, 20), ...this.#ids].slice(0, IDS_KEPT)
  }

  /** An id from a recent answer; undefined if there was none. */
  id(): number | undefined {
    return this.#ids[this.below(this.#ids.length)]
  }

  /** A number in [0, 1) (mulberry32, by T. Ettinger). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let mixed = this.#state
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }

  below(limit: number): number {
    return Math.floor(this.next() * limit)
  }

  of<T>(values: readonly [T, ...T[]]): T {
    return values[this.below(values.length)] ?? values[0]
  }

  often(share: number): boolean {
    return this.next() < share
  }
}

const TEXTS = [
  'a',
  'Course of things',
  'Привет, мир',
  '日本語',
  '<script>',
  "'; drop table course; --",
  '%_\\',
  '😀',
  'x'.repeat(90)
] as const

/** Values that break services, sent where they fit and where they do not. */
const NASTY = [
  null,
  true,
  false,
  0,
  -1,
  1.5,
  1e308,
  2_147_483_648,
  Number.MAX_SAFE_INTEGER,
  '',
  ' ',
  '\u0000',
  'a\u0000b',
  '\ud800',
  '0x10',
  '1e3',
  'null',
  'undefined',
  '[object Object]',
  '../../etc/passwd',
  'x'.repeat(5000),
  [],
  {},
  [1, 2],
  { a: 1 },
  { __proto__: 1 },
  { constructor: { prototype: 1 } }
] as const

export function nasty(chance: Chance): unknown {
  return chance.of(NASTY)
}

/** A value that fits the schema, as far as supported, including the patterns of e-mail addresses, slugs, languages and keys. */
export function right(schema: Schema, chance: Chance): unknown {
  if (schema.enum !== undefined) return schema.enum[chance.below(schema.enum.length)]
  const [first, ...rest] = schema.anyOf ?? []
  if (first !== undefined) return right(chance.of([first, ...rest]), chance)
  switch (schema.type) {
    case 'integer':
    case 'number':
      return integer(schema, chance)
    case 'boolean':
      return chance.often(0.5)
    case 'null':
      return null
    case 'array':
      return array(schema, chance)
    case 'object':
      return object(schema, chance)
    default:
      return text(schema, chance)
  }
}

function integer({ minimum = -5, maximum = 1000 }: Schema, chance: Chance): number {
  const known = maximum === MAX_ID && chance.often(0.6) ? chance.id() : undefined
  if (known !== undefined) return known
  const small = Math.min(maximum, minimum + 30)
  return chance.often(0.9) ? minimum + chance.below(small - minimum + 1) : chance.of([minimum, maximum])
}

function array({ items = {}, minItems = 0 }: Schema, chance: Chance): unknown[] {
  // Without duplicates, for `uniqueItems`.
  return [...new Set(Array.from({ length: minItems + chance.below(2) }, () => right(items, chance)))]
}

function object(
  { properties = {}, required = [], minProperties = 0 }: Schema,
  chance: Chance
): Record<string, unknown> {
  const all = Object.entries(properties)
  const chosen = all.filter(([name]) => required.includes(name) || chance.often(0.5))
  const entries = chosen.length < minProperties ? all : chosen
  return Object.fromEntries(entries.map(([name, schema]) => [name, right(schema, chance)]))
}

function text({ pattern = '', format, minLength = 0, maxLength = 1000 }: Schema, chance: Chance): string {
  if (format === 'date-time') return new Date(chance.below(2e9) * 1000).toISOString()
  if (pattern.includes('@')) return `user${chance.below(50)}@example.org`
  if (pattern.startsWith('^https')) return 'https://example.org/a.png'
  if (pattern.startsWith('^[A-Za-z]{2,3}')) return chance.of(['ru', 'en', 'pt-BR'])
  if (pattern.startsWith('^(course|'))
    return chance.of(['course:1', 'course:2:modules', 'api:categories', 'stats:none'])
  if (pattern.startsWith('^[a-z0-9')) return chance.of(['data', 'programming', `new-${chance.below(1000)}`])
  if (pattern.includes('[0-9a-fA-F]{8}'))
    return `00000000-0000-7000-8000-${String(chance.below(1e9)).padStart(12, '0')}`
  // Counts code points, so an emoji is one, not UTF-16 code units.
  const characters = [...chance.of(TEXTS)].slice(0, maxLength)
  return characters.join('') + 'x'.repeat(Math.max(0, minLength - characters.length))
}
