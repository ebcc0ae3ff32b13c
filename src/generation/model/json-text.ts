import { jsonrepair } from 'jsonrepair'
import type { Static, TSchema } from 'typebox'
import { Check } from 'typebox/schema'
import { Clean, Convert } from 'typebox/value'
import { fieldsOf } from './service-error.ts'

/** How many places of a text are looked at that may be the begin of an object. */
const MAX_STARTS = 40

/**
 * Finds the object that fits the schema in what a model wrote: alone, after its thoughts, in a fence, between words, inside of another
 * object. Numbers as text, unknown fields, raw newlines and other slips are mended. `best` is what comes nearest where none fits: the
 * model is told what is wrong with it.
 */
export function findJson<T extends TSchema>(
  text: string,
  schema: T,
  { isWhole }: { isWhole: boolean }
): { value: Static<T> } | { best: unknown } {
  const clean = withoutThoughts(text.replaceAll('\ufeff', ''))
  let best: unknown
  // Strictly first: what is right is not to be mended.
  for (const read of [parse, repaired]) {
    for (const slice of slicesOf(clean, isWhole)) {
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

/** Thoughts may have JSON in them, which is not the answer. One that does not end is no reason to lose what follows. */
function withoutThoughts(text: string): string {
  const closed = text.replace(/<(think|thinking|thought|reasoning)>.*?<\/\1>|◁think▷.*?◁\/think▷/gis, '')
  const end = /^.*<\/(?:think|thinking|thought|reasoning)>/is.exec(closed)
  return end === null ? closed : closed.slice(end[0].length)
}

/** The objects and lists in a text, from the largest on: each from its first bracket to the one that closes it. */
function* slicesOf(text: string, isWhole: boolean): Generator<string> {
  let count = 0
  for (let start = text.search(/[{[]/); start >= 0 && count < MAX_STARTS; count++) {
    const end = endOf(text, start, isWhole)
    if (end !== null) yield text.slice(start, end)
    const next = text.slice(end ?? start + 1).search(/[{[]/)
    start = next < 0 ? -1 : next + (end ?? start + 1)
  }
  // A text in quotes that is JSON itself.
  if (/^\s*"/.test(text)) yield text.trim()
}

/** Where the bracket at `start` is closed; null where it is not. What lacks its last brackets only is whole, if the model meant to end there. */
function endOf(text: string, start: number, isWhole: boolean): number | null {
  let depth = 0
  let isText = false
  for (let i = start; i < text.length; i++) {
    const char = text[i]
    if (isText) {
      if (char === '\\') i++
      else if (char === '"') isText = false
    } else if (char === '"') isText = true
    else if (char === '{' || char === '[') depth++
    else if ((char === '}' || char === ']') && --depth === 0) return i + 1
  }
  return isWhole && !isText ? text.length : null
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text, readable)
  } catch {
    return undefined
  }
}

function repaired(text: string): unknown {
  try {
    return parse(jsonrepair(text))
  } catch {
    return undefined
  }
}

/** Half a character is none that a database takes; null is a field that is not there. */
function readable(_key: string, value: unknown): unknown {
  return typeof value === 'string' ? value.toWellFormed().normalize() : (value ?? undefined)
}

/** What may be the answer where the object around it is not: `{"chapter": {...}}`, `[{...}]`, or JSON in a text. */
function nestedIn(value: unknown): unknown[] {
  if (typeof value === 'string') return [parse(value)]
  return Object.values(fieldsOf(value)).flatMap((inner) => {
    const read = typeof inner === 'string' && /^\s*\{/.test(inner) ? parse(inner) : inner
    return typeof read === 'object' ? [read] : []
  })
}

/** The value without fields that nobody asked for, and with its numbers as such. */
function fitted(schema: TSchema, value: unknown): unknown {
  if (value === undefined || Check(schema, value)) return value
  return Convert(schema, Clean(schema, structuredClone(value)))
}
