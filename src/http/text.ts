import { type TString, Type } from 'typebox'

/**
 * Half of a character that needs two units of UTF-16: `"\ud800"` in JSON is one, but no text in UTF-8. Patterns are read by code points
 * (with the flag `u`, as JSON Schema says), so that whole characters of two units are not meant.
 */
export const HALF = '\\ud800-\\udfff'
/** PostgreSQL keeps no NUL in a text; a line has no other control character either. */
export const CONTROL = '\\u0000-\\u001f\\u007f'
const LINE = `^[^${CONTROL}${HALF}]*$`
const BLOCK = `^[^\\u0000${HALF}]*$`
/** Of nothing but white space: not what a name is. */
const VISIBLE = '\\S'

/** Letters that a client sends decomposed, as macOS pastes them, are composed (plugins/external/ajv-compiler.ts): they are stored so, and compared. */
const COMPOSED = { 'x-normalize': 'NFC' }

/** One line of text with something to see in it, of `max` characters at most. */
export function line(max: number, description?: string): TString {
  return Type.String({
    ...COMPOSED,
    minLength: 1,
    maxLength: max,
    pattern: `^(?=.*${VISIBLE})${LINE.slice(1)}`,
    ...(description && { description })
  })
}

/** One line that may be empty. */
export function optionalLine(max: number): TString {
  return Type.String({ ...COMPOSED, maxLength: max, pattern: LINE })
}

/** Text of several lines, kept as given. */
export function block(max: number, description?: string): TString {
  return Type.String({ ...COMPOSED, maxLength: max, pattern: BLOCK, ...(description && { description }) })
}
