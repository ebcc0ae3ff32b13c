import type { Chance, Schema } from './samples.ts'
import { nasty, right } from './samples.ts'

interface Parameter {
  readonly name: string
  readonly in: string
  readonly required?: boolean
  readonly schema: Schema
}

/** The parts of an OpenAPI operation that are used here. */
export interface Operation {
  readonly parameters?: readonly Parameter[]
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: Schema }>> }
  readonly responses: Readonly<
    Record<string, { readonly content?: Readonly<Record<string, { readonly schema: Schema }>> }>
  >
}

export interface FuzzRequest {
  readonly path: string
  readonly headers: Record<string, string>
  readonly body: string | undefined
}

const BROKEN = 0.45

/** One request to the operation: valid, or, with the probability `broken`, invalid in one or more places. */
export function requestTo(
  path: string,
  { parameters = [], requestBody }: Operation,
  chance: Chance,
  broken = BROKEN
): FuzzRequest {
  const breaks = chance.often(broken)
  const value = (schema: Schema) => (breaks && chance.often(0.4) ? nasty(chance) : right(schema, chance))
  const headers: Record<string, string> = {}
  const query: string[] = []
  let filled = path
  for (const { name, in: where, required, schema } of parameters) {
    // With an empty parameter the path would be that of another operation.
    if (where === 'path') filled = filled.replace(`{${name}}`, encode(value(schema)) || '%00')
    else if (!required && chance.often(0.5)) continue
    else if (where === 'query') query.push(`${name}=${encode(value(schema))}`)
    else if (where === 'header') headers[name] = chance.of(['*', '"x"', 'W/"y", "z"', ''])
  }
  if (breaks && chance.often(0.2))
    query.push(`${chance.of(['foo', '__proto__', 'limit', 'a[b]'])}=${encode(nasty(chance))}`)
  return {
    path: query.length === 0 ? filled : `${filled}?${query.join('&')}`,
    headers,
    body: body(requestBody, breaks, chance, headers)
  }
}

function body(
  requestBody: Operation['requestBody'],
  breaks: boolean,
  chance: Chance,
  headers: Record<string, string>
): string | undefined {
  if (requestBody?.content['text/markdown'] !== undefined) {
    headers['content-type'] = breaks && chance.often(0.2) ? 'application/json' : 'text/markdown'
    return file(breaks, chance)
  }
  const schema = requestBody?.content['application/json']?.schema
  if (schema === undefined) return undefined
  headers['content-type'] = 'application/json'
  const sample = right(schema, chance)
  if (!breaks) return JSON.stringify(sample)
  if (chance.often(0.1))
    headers['content-type'] = chance.of([
      'text/plain',
      'application/xml',
      'multipart/form-data',
      'application/json; charset=x'
    ])
  if (chance.often(0.15)) return chance.of(['', '{', '[]', 'null', '"x"', '{"a":', `{"__proto__":{"a":1}}`, '\u0000'])
  const fields = Object.entries(Object(sample))
  const changed = fields.map(([name, value]) => [name, chance.often(0.4) ? nasty(chance) : value])
  if (chance.often(0.2))
    changed.push([chance.of(['id', 'role', 'authorId', 'createdAt', 'passwordHash', 'x']), nasty(chance)])
  return JSON.stringify(Object.fromEntries(changed.filter(() => chance.often(0.85))))
}

/** A course file made of meaningful lines, in random order if it is to be invalid. */
function file(breaks: boolean, chance: Chance): string {
  const lines = [
    '---',
    'language: en',
    breaks ? 'marker: course' : '',
    '---',
    '# Title',
    '## Module',
    '### Chapter',
    'Text'
  ]
  if (!breaks) return lines.join('\n')
  const broken = [
    '<!-- course:module -->',
    '<!-- course:content -->',
    '```',
    'a: &a [*a]',
    '- [',
    '\u0000',
    String(nasty(chance))
  ]
  return [...lines, ...broken].filter(() => chance.often(0.7)).join('\n')
}

function encode(value: unknown): string {
  const text = typeof value === 'object' ? JSON.stringify(value) : String(value)
  return encodeURIComponent(text.toWellFormed()).slice(0, 6000)
}
