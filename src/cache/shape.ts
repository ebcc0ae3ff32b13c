import { createHash } from 'node:crypto'
import type { TSchema } from 'typebox'
import { Compile } from 'typebox/schema'

/**
 * A fingerprint of a value's JSON schema and a revision. Raise the revision by hand when the meaning changes and the
 * schema does not.
 */
export function shapeOf(schema: object, revision: number): string {
  return createHash('sha256')
    .update(`${revision} ${JSON.stringify(schema)}`)
    .digest('base64url')
    .slice(0, 11)
}

/** The parts of a `CacheSpec` that follow from a schema: its shape, and a check of texts from the store against it. */
export function kindOf(schema: TSchema, revision: number): { shape: string; isWellFormed: (text: string) => boolean } {
  let compiled: ReturnType<typeof Compile> | undefined
  const isWellFormed = (text: string) => {
    // Compiled on first use: most commands and tests read no entry.
    compiled ??= Compile(schema)
    try {
      return compiled.Check(JSON.parse(text))
    } catch {
      return false
    }
  }
  return { shape: shapeOf(schema, revision), isWellFormed }
}
