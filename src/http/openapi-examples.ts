import { readFileSync } from 'node:fs'

type Json = { [key: string]: unknown }

/**
 * Taken from a running service by `node test/checks/contract/take-examples.ts`, by the name of the schema; long texts are cut, and of a list there are
 * two. A test compares them with what the service answers now.
 */
const examples: Json = JSON.parse(readFileSync(new URL('openapi-examples.json', import.meta.url), 'utf8'))

/** The named schemas, each with an example of it where there is one. */
export function withExamples(schemas: Record<string, Json>): Record<string, Json> {
  const entries = Object.entries(schemas)
  return Object.fromEntries(
    entries.map(([name, schema]) => [name, name in examples ? { ...schema, examples: [examples[name]] } : schema])
  )
}
