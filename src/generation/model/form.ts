import type { TSchema } from 'typebox'
import { fieldsOf } from './service-error.ts'

/** Keywords that few servers support in strict mode; answers are checked against the whole schema here. */
const RARE = ['pattern', 'minLength', 'maxLength', 'x-composed']
/** Keywords that some servers refuse. */
const REFUSED = [...RARE, 'minItems', 'maxItems', 'minimum', 'maximum', 'additionalProperties']

/** The schema as it is sent to a server; with `plain`, without the keywords that some servers refuse. */
export function schemaToSend(schema: TSchema, { plain }: { plain: boolean }): unknown {
  const without = new Set(plain ? REFUSED : RARE)
  return JSON.parse(JSON.stringify(schema, (key, value) => (without.has(key) ? undefined : value)))
}

/** Describes the schema in the prompt, for servers that do not support schemas. */
export function describeForm(schema: TSchema): string {
  return `Answer with one JSON object and nothing else: no words around it, no code fence. Its form:\n${describe(schema, '')}`
}

function describe(schema: unknown, indent: string): string {
  const { type, properties, items, minItems, minimum, maximum, maxLength, description } = fieldsOf(schema)
  const inner = `${indent}  `
  if (type === 'object') {
    const fields = Object.entries(fieldsOf(properties)).map(
      ([name, field]) => `${inner}"${name}": ${describe(field, inner)}`
    )
    return `{\n${fields.join(',\n')}\n${indent}}`
  }
  if (type === 'array') return `[exactly ${minItems} of ${describe(items, indent)}]`
  const about = description === undefined ? '' : `: ${description}`
  if (type === 'integer') return `<integer from ${minimum} to ${maximum}${about}>`
  return `"<text of at most ${maxLength} characters${about}>"`
}
