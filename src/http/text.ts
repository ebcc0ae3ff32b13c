import { type TString, Type } from 'typebox'

/**
 * Lone surrogates: JSON can contain them (`"\ud800"`), but UTF-8 cannot. Patterns match code points (the flag `u`, as
 * JSON Schema requires), so this does not match complete surrogate pairs.
 */
export const HALF = '\\ud800-\\udfff'
/** PostgreSQL cannot store NUL in a text; a line has no other control characters either. */
export const CONTROL = '\\u0000-\\u001f\\u007f'
const LINE = `^[^${CONTROL}${HALF}]*$`
const BLOCK = `^[^\\u0000${HALF}]*$`
/** A line must not consist of white space only. */
const VISIBLE = '\\S'

/**
 * Decomposed letters, as macOS pastes them, are composed during validation (plugins/external/ajv-compiler.ts), and so
 * stored and compared.
 */
const COMPOSED = { 'x-composed': true }

/** One line of text that is not blank, of at most `max` characters. */
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

/** Text of several lines. */
export function block(max: number, description?: string): TString {
  return Type.String({ ...COMPOSED, maxLength: max, pattern: BLOCK, ...(description && { description }) })
}
