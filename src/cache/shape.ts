import { createHash } from 'node:crypto'

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
