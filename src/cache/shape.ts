import { createHash } from 'node:crypto'
import type { TSchema } from 'typebox'
import { Compile } from 'typebox/schema'

/**
 * A fingerprint of what a value is made of: the JSON schema that it has, and a revision, raised by hand where the meaning changes and the
 * schema does not.
 */
export function shapeOf(schema: object, revision: number): string {
  return createHash('sha256')
    .update(`${revision} ${JSON.stringify(schema)}`)
    .digest('base64url')
    .slice(0, 11)
}

/** The shape of values with this schema, and a test for texts that are one: what the store has may have been put there by anybody. */
export function kindOf(schema: TSchema, revision: number): { shape: string; form: (text: string) => boolean } {
  let compiled: ReturnType<typeof Compile> | undefined
  const form = (text: string) => {
    // Not at the start: most commands and tests read no entry.
    compiled ??= Compile(schema)
    try {
      return compiled.Check(JSON.parse(text))
    } catch {
      return false
    }
  }
  return { shape: shapeOf(schema, revision), form }
}
