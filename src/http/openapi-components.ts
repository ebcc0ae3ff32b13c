import { isDeepStrictEqual } from 'node:util'

type Json = { [key: string]: unknown }

/** Values of these keywords are data, and not schemas. */
const DATA = new Set(['const', 'default', 'enum', 'example', 'examples'])

/**
 * Moves every schema with a `title` to `#/components/schemas/<title>`, so that the document contains each once, and
 * generated clients have types with these names. Returns copies of `paths` and `responses` that refer to them.
 * Throws `TypeError` if two different schemas have the same title.
 */
export function nameSchemas<P, R>(paths: P, responses: R): { paths: P; responses: R; schemas: Record<string, Json> } {
  const schemas: Record<string, Json> = {}

  function visit(value: unknown): unknown {
    if (Array.isArray(value)) return value.map(visit)
    if (typeof value !== 'object' || value === null) return value
    const visited: Json = {}
    for (const [key, child] of Object.entries(value)) visited[key] = DATA.has(key) ? child : visit(child)
    const { title, ...schema } = visited
    // A property named `title` is a schema, not a string.
    if (typeof title !== 'string') return visited
    if (title in schemas && !isDeepStrictEqual(schemas[title], schema)) {
      throw new TypeError(`OpenAPI: two different schemas have the title ${title}`)
    }
    schemas[title] = schema
    return { $ref: `#/components/schemas/${title}` }
  }

  // `visit` keeps the structure, and only replaces schemas by references.
  return { paths: visit(paths) as P, responses: visit(responses) as R, schemas }
}
