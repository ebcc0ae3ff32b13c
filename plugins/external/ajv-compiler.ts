import AjvCompiler, { type BuildCompilerFromPool } from '@fastify/ajv-compiler'
import { composed, MAX_MARKS } from '#bounds/combining-marks.ts'

const build = AjvCompiler()

/** The canonical form of an integer: 0x1, 1e0, 01 and +1 would each be another URL of the same resource. */
const INTEGER = /^(0|-?[1-9]\d*)$/

/** Composes a text whose schema says `x-composed`; sets `errors` as ajv expects of a keyword. */
const compose: { (schema: boolean, text: string, _schema: unknown, place?: DataPlace): boolean; errors?: object[] } = (
  _composed,
  text,
  _schema,
  place
) => {
  const form = composed(text)
  if (form === null) {
    compose.errors = [
      { keyword: 'x-composed', params: {}, message: `must not have more than ${MAX_MARKS} combining marks in a row` }
    ]
    return false
  }
  if (place !== undefined) place.parentData[place.parentDataProperty] = form
  return true
}

const composing = {
  keyword: 'x-composed',
  type: 'string',
  schemaType: 'boolean',
  modifying: true,
  validate: compose
} as const

interface DataPlace {
  readonly parentData: Record<string | number, unknown>
  readonly parentDataProperty: string | number
}

type Validate = ReturnType<ReturnType<BuildCompilerFromPool>>

/**
 * Builds the validators of route schemas: Fastify's own compiler in two configurations. Query, path and headers are
 * text and are coerced to the types of their schema; a JSON body has types of its own and is not coerced. Shared
 * schemas (`addSchema`, `$ref`) are in both.
 */
export const buildValidator: BuildCompilerFromPool = (sharedSchemas) => {
  // 1e999 is coerced to Infinity; with strictNumbers off, the bounds of the schema refuse it.
  const options = { removeAdditional: false, strictNumbers: false, allErrors: false, keywords: [composing] }
  const exact = build(sharedSchemas, { customOptions: { ...options, coerceTypes: false } })
  const coercing = build(sharedSchemas, { customOptions: { ...options, coerceTypes: true } })
  return (route) => {
    if (typeof route === 'object' && route.httpPart === 'body') return exact(route)
    const names = integersOf(typeof route === 'object' ? route.schema : undefined)
    return names.length === 0 ? coercing(route) : withPlainIntegers(coercing(route), names)
  }
}

/** The names of the integer properties of an object schema. */
function integersOf(schema: { properties?: Record<string, { type?: unknown }> } | undefined): string[] {
  return Object.entries(schema?.properties ?? {}).flatMap(([name, { type }]) => (type === 'integer' ? [name] : []))
}

/** Refuses values that JavaScript would coerce to an integer although they are not in canonical form. */
function withPlainIntegers(validate: Validate, names: readonly string[]): Validate {
  const check = (input: Record<string, unknown>) => {
    const name = names.find((name) => typeof input[name] === 'string' && !INTEGER.test(input[name]))
    const isValid = name === undefined && validate(input)
    checked.errors = name === undefined ? validate.errors : [notAnInteger(name)]
    return isValid
  }
  const checked: Validate = Object.assign(check, validate)
  return checked
}

function notAnInteger(name: string) {
  return {
    instancePath: `/${name}`,
    schemaPath: `#/properties/${name}/type`,
    keyword: 'type',
    params: { type: 'integer' },
    message: 'must be integer'
  }
}
