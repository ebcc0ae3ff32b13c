import { readFileSync } from 'node:fs'

type Json = { [key: string]: unknown }

/**
 * Examples by schema name, recorded from a running service by `node test/checks/contract/take-examples.ts`. Long texts
 * are truncated, and lists have two items. A test compares them with the current answers.
 */
const examples: Json = JSON.parse(readFileSync(new URL('openapi-examples.json', import.meta.url), 'utf8'))

/** Adds an example to each schema that has one. */
export function withExamples(schemas: Record<string, Json>): Record<string, Json> {
  const entries = Object.entries(schemas)
  return Object.fromEntries(
    entries.map(([name, schema]) => [name, name in examples ? { ...schema, examples: [examples[name]] } : schema])
  )
}
