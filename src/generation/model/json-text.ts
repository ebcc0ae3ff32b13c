import { createContext, Script } from 'node:vm'
import { jsonrepair } from 'jsonrepair'
import type { Static, TSchema } from 'typebox'
import { Check } from 'typebox/schema'
import { Clean, Convert } from 'typebox/value'
import { fieldsOf } from './service-error.ts'

/** How many places of a text are looked at that may be the begin of an object. */
const MAX_STARTS = 10_000
/** How many of them may be without an end: each of these costs a look at all that follows. */
const MAX_OPEN = 8
/** How many of the largest objects are read, and how many values in each of them. */
const MAX_CANDIDATES = 20
/** Larger ones are no answer to any question: a chapter is of 50,000 characters. */
const MAX_LENGTH = 320 * 1024
/** How long one text is mended, in ms: some texts take jsonrepair hours, and nothing but a watchdog ends that. */
const MAX_REPAIR_MS = 300

const repairing = createContext({ jsonrepair, text: '' })
const repair = new Script('jsonrepair(text)')

/**
 * Finds the object that fits the schema in what a model wrote: alone, after its thoughts, in a fence, between words, inside of another
 * object. Numbers as text, unknown fields, raw newlines and other slips are mended. `best` is what comes nearest where none fits: the
 * model is told what is wrong with it. Whatever the text is, it takes a time that grows no faster than its length.
 */
export function findJson<T extends TSchema>(
  text: string,
  schema: T,
  { isWhole }: { isWhole: boolean }
): { value: Static<T> } | { best: unknown } {
  const clean = text.replaceAll('\ufeff', '')
  // A text in quotes may be JSON itself.
  const quoted = /^\s*"/.test(clean) && clean.length <= MAX_LENGTH ? [clean.trim()] : []
  let best: unknown
  let repairMs = MAX_REPAIR_MS
  const repaired = (text: string) => {
    const start = performance.now()
    try {
      repairing.text = withEscapes(text)
      return repairMs < 1 ? undefined : parse(String(repair.runInContext(repairing, { timeout: Math.ceil(repairMs) })))
    } catch {
      return undefined
    } finally {
      repairMs -= performance.now() - start
    }
  }
  for (const slice of [...slicesOf(clean, isWhole), ...quoted]) {
    // Strictly first: what is right is not to be mended.
    for (const read of [parse, repaired]) {
      const found = read(slice)
      for (const value of [found, ...nestedIn(found)]) {
        const mended = fitted(schema, value)
        if (Check(schema, mended)) return { value: mended }
      }
      best ??= found
    }
  }
  return { best: typeof best === 'object' && best !== null ? fitted(schema, best) : undefined }
}

/**
 * The objects and lists in a text, each from its first bracket to the one that closes it. The longest come first, and of those the last:
 * a draft or an example is shorter than the answer. Thoughts around them may have JSON of their own, which is none; tags inside of
 * them are text.
 */
function slicesOf(text: string, isWhole: boolean): string[] {
  const mark = /[{[]|<(\/?)(think|thinking|thought|reasoning)>|◁(\/?)(think)▷/gi
  let slices: [start: number, end: number][] = []
  const closes = new Map<string, RegExp | null>()
  let open = 0
  for (let found = mark.exec(text); found !== null; found = mark.exec(text)) {
    const start = found.index
    const [token, slash = found[3], name = found[4] ?? ''] = found
    if (name === '') {
      const end = endOf(text, start)
      // What lacks its last brackets only is whole, if the model meant to end there.
      if (end.isClosed || (isWhole && !end.isText)) slices.push([start, end.at])
      if (end.isClosed) mark.lastIndex = end.at
      else if (++open === MAX_OPEN) break
    } else if (slash === '/') slices = []
    else if (closes.get(token.toLowerCase()) !== null) {
      const key = token.toLowerCase()
      const close = closes.get(key) ?? new RegExp(token.replace(/^./, '$&/'), 'gi')
      close.lastIndex = mark.lastIndex
      // Thoughts without an end are no reason to lose what follows.
      const isClosed = close.test(text)
      if (isClosed) mark.lastIndex = close.lastIndex
      closes.set(key, isClosed ? close : null)
    }
    if (slices.length === MAX_STARTS) break
  }
  return slices
    .filter(([start, end]) => end - start <= MAX_LENGTH)
    .reverse()
    .sort(([a, b], [c, d]) => d - c - (b - a))
    .slice(0, MAX_CANDIDATES)
    .map(([start, end]) => text.slice(start, end))
}

/** Where the bracket at `start` is closed; else the end of the text, which is in a string or not. */
function endOf(text: string, start: number): { at: number; isClosed: boolean; isText: boolean } {
  let depth = 0
  let isText = false
  for (let i = start; i < text.length; i++) {
    const char = text[i]
    if (isText) {
      if (char === '\\') i++
      else if (char === '"') isText = false
    } else if (char === '"') isText = true
    else if (char === '{' || char === '[') depth++
    else if ((char === '}' || char === ']') && --depth === 0) return { at: i + 1, isClosed: true, isText }
  }
  return { at: text.length, isClosed: false, isText }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text, readable)
  } catch {
    return undefined
  }
}

/** A backslash that begins no escape is meant as one: `\alpha` of a formula. Quotes are left to jsonrepair. */
function withEscapes(text: string): string {
  return text.replace(/\\(["'`\\/bfnrt\s]|u[0-9a-fA-F]{4})?/g, (all, known) => (known === undefined ? '\\\\' : all))
}

/** Half a character is none that a database takes; null is a field that is not there. */
function readable(_key: string, value: unknown): unknown {
  return typeof value === 'string' ? withFormulas(value).toWellFormed().normalize() : (value ?? undefined)
}

/** No model writes a backspace or a form feed: before a letter they are the `\beta` and `\frac` of formulas. */
function withFormulas(text: string): string {
  return text
    .replace(/[\b](?=[a-z])/gi, '\\b')
    .replace(/\f(?=[a-z])/gi, '\\f')
    .replace(/\t(?=(ext(bf|it|rm|tt)?\{|heta\b|imes\b|ilde\{))/g, '\\t')
    .replace(/\r(?=(ho|ight|angle)\b)/g, '\\r')
}

/** What may be the answer where the object around it is not: `{"chapter": {...}}`, `[{...}]`, or JSON in a text. */
function nestedIn(value: unknown): unknown[] {
  if (typeof value === 'string') return [parse(value)]
  const values = Array.isArray(value) ? value : Object.values(fieldsOf(value))
  return values.slice(0, MAX_CANDIDATES).flatMap((inner) => {
    const read = typeof inner === 'string' && /^\s*\{/.test(inner) ? parse(inner) : inner
    return typeof read === 'object' ? [read] : []
  })
}

/** The value without fields that nobody asked for, and with its numbers as such. */
function fitted(schema: TSchema, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || Check(schema, value)) return value
  const known = fieldsOf(fieldsOf(schema).properties)
  const wanted = Object.fromEntries(Object.entries(value).filter(([name]) => Object.hasOwn(known, name)))
  return Convert(schema, Clean(schema, structuredClone(wanted)))
}
