import type { TSchema } from 'typebox'
import { Errors } from 'typebox/schema'

/** A validation error of Ajv or TypeBox (the part that is used here). */
interface ValidationError {
  readonly instancePath: string
  readonly keyword: string
  readonly message?: string
  readonly params: Readonly<Record<string, unknown>>
}

/** One line, as below, about a value that TypeBox finds invalid. */
export function describeMisfit(schema: TSchema, value: unknown): string {
  const [, errors] = Errors(schema, value)
  return describeValidation(errors.map((error) => ({ ...error, params: { ...error.params } })))
}

/** One line that names the field and what is allowed, such as `limit must be <= 100`. */
export function describeValidation(errors: readonly ValidationError[]): string {
  const [error] = errors
  if (error === undefined) return 'the request is not valid'
  const field = error.instancePath.slice(1).replaceAll('/', '.')
  const { params, keyword } = error
  if (keyword === 'additionalProperties') return `unknown field ${join(field, params.additionalProperty)}`
  // TypeBox reports an unknown field like this.
  if (keyword === 'boolean') return `unknown field ${field}`
  if (keyword === 'required')
    return `${join(field, params.missingProperty ?? firstOf(params.requiredProperties))} is required`
  const subject = field || 'the body'
  if (keyword === 'enum' && Array.isArray(params.allowedValues)) {
    return `${subject} must be one of ${params.allowedValues.join(', ')}`
  }
  if (keyword === 'pattern') return `${subject} has an invalid format or contains characters that are not allowed`
  if (keyword === 'minProperties') {
    return `${subject} must have at least ${params.limit} field${params.limit === 1 ? '' : 's'}`
  }
  if (keyword === 'minLength') return `${subject} must have at least ${params.limit} characters`
  if (keyword === 'maxLength') return `${subject} must have at most ${params.limit} characters`
  return `${subject} ${error.message ?? 'is not valid'}`
}

function join(path: string, name: unknown): string {
  return path === '' ? String(name) : `${path}.${name}`
}

/** Ajv names one property, TypeBox all. */
function firstOf(names: unknown): unknown {
  return Array.isArray(names) ? names[0] : names
}
