import { createContext, Script } from 'node:vm'
import { jsonrepair } from 'jsonrepair'
import type { Static, TSchema } from 'typebox'
import { Check } from 'typebox/schema'
import { Clean, Convert } from 'typebox/value'
import { composed } from '#bounds/combining-marks.ts'
import { fieldsOf } from './service-error.ts'

/** How many possible starts of an object are looked at. */
const MAX_STARTS = 10_000
/** How many of them may be unclosed: each of these costs a scan of the rest of the text. */
const MAX_OPEN = 8
/** How many of the largest objects are read, and how many values in each of them. */
const MAX_CANDIDATES = 20
/** No answer is larger: a chapter has at most 50,000 characters. */
const MAX_LENGTH = 320 * 1024
/** Time to repair one text, in ms: jsonrepair takes hours for some texts, and only a watchdog can stop it. */
const MAX_REPAIR_MS = 300

const repairing = createContext({ jsonrepair, text: '' })
const repair = new Script('jsonrepair(text)')

/**
 * Finds the object that matches the schema in a model's text: alone, after reasoning, in a code fence, among prose, or
 * inside another object. It repairs numbers as strings, unknown fields, raw newlines and other slips. If no object
 * matches, `best` is the closest candidate, which the model is asked to correct. The time is linear in the length of
 * the text.
 */
export function findJson<T extends TSchema>(
  text: string,
  schema: T,
  { isWhole }: { isWhole: boolean }
): { value: Static<T> } | { best: unknown } {
  const clean = text.replaceAll('\ufeff', '')
  // A quoted string may itself contain JSON.
  const quoted = /^\s*"/.test(clean) && clean.length <= MAX_LENGTH ? [clean.trim()] : []
  let best: unknown
  let repairMs = MAX_REPAIR_MS
  const repaired = (text: string) => {
    const start = performance.now()
    try {
      repairing.text = escapeBackslashes(text)
      return repairMs < 1 ? undefined : parse(String(repair.runInContext(repairing, { timeout: Math.ceil(repairMs) })))
    } catch {
      return undefined
    } finally {
      repairMs -= performance.now() - start
    }
  }
  for (const slice of [...slicesOf(clean, isWhole), ...quoted]) {
    // Parse strictly first: valid JSON needs no repair.
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
 * The objects and arrays in a text, from the opening to the closing bracket. The longest come first, since drafts and
 * examples are shorter than the answer; of equal ones, the last. JSON inside reasoning tags is ignored; tags inside
 * JSON are text.
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
      // If the model meant to stop there, a text that lacks only its last brackets is complete.
      if (end.isClosed || (isWhole && !end.isText)) slices.push([start, end.at])
      if (end.isClosed) mark.lastIndex = end.at
      else if (++open === MAX_OPEN) break
    } else if (slash === '/') slices = []
    else if (closes.get(token.toLowerCase()) !== null) {
      const key = token.toLowerCase()
      const close = closes.get(key) ?? new RegExp(token.replace(/^./, '$&/'), 'gi')
      close.lastIndex = mark.lastIndex
      // An unclosed reasoning tag must not hide the rest of the text.
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

/**
 * The position after the bracket that closes the one at `start`, else the end of the text; `isText`: it ends inside a
 * string.
 */
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
    return JSON.parse(text, reviveValue)
  } catch {
    return undefined
  }
}

/** Doubles backslashes that begin no JSON escape, such as `\alpha` in a formula. Quotes are left to jsonrepair. */
function escapeBackslashes(text: string): string {
  return text.replace(/\\(["'`\\/bfnrt\s]|u[0-9a-fA-F]{4})?/g, (all, known) => (known === undefined ? '\\\\' : all))
}

/** Replaces lone surrogates, which the database rejects, and drops null fields. */
function reviveValue(_key: string, value: unknown): unknown {
  if (typeof value !== 'string') return value ?? undefined
  const text = restoreFormulas(value).toWellFormed()
  return composed(text) ?? text
}

/** Models write no backspace or form feed: before a letter these come from `\beta` and `\frac` in formulas. */
function restoreFormulas(text: string): string {
  return text
    .replace(/[\b](?=[a-z])/gi, '\\b')
    .replace(/\f(?=[a-z])/gi, '\\f')
    .replace(/\t(?=(ext(bf|it|rm|tt)?\{|heta\b|imes\b|ilde\{))/g, '\\t')
    .replace(/\r(?=(ho|ight|angle)\b)/g, '\\r')
}

/** Candidates inside an object that does not match: `{"chapter": {...}}`, `[{...}]`, or JSON in a string. */
function nestedIn(value: unknown): unknown[] {
  if (typeof value === 'string') return [parse(value)]
  const values = Array.isArray(value) ? value : Object.values(fieldsOf(value))
  return values.slice(0, MAX_CANDIDATES).flatMap((inner) => {
    const read = typeof inner === 'string' && /^\s*\{/.test(inner) ? parse(inner) : inner
    return typeof read === 'object' ? [read] : []
  })
}

/** Removes unknown fields and converts strings to numbers where the schema wants numbers. */
function fitted(schema: TSchema, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || Check(schema, value)) return value
  const known = fieldsOf(fieldsOf(schema).properties)
  const wanted = Object.fromEntries(Object.entries(value).filter(([name]) => Object.hasOwn(known, name)))
  return Convert(schema, Clean(schema, structuredClone(wanted)))
}
