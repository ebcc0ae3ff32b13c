import AjvCompiler, { type BuildCompilerFromPool } from '@fastify/ajv-compiler'

const build = AjvCompiler()

/** The one way in which an integer is written: 0x1, 1e0, 01 and +1 would each be another URL of the same thing. */
const INTEGER = /^(0|-?[1-9]\d*)$/

/** Composes the letters of a text where its schema says `x-normalize: NFC`. */
const normalize = {
  keyword: 'x-normalize',
  type: 'string',
  schemaType: 'string',
  modifying: true,
  errors: false,
  validate: (form: string, text: string, _schema: unknown, place?: DataPlace) => {
    if (place !== undefined) place.parentData[place.parentDataProperty] = text.normalize(form)
    return true
  }
} as const

interface DataPlace {
  readonly parentData: Record<string | number, unknown>
  readonly parentDataProperty: string | number
}

type Validate = ReturnType<ReturnType<BuildCompilerFromPool>>

/**
 * Builds the validator of route schemas: Fastify's own compiler in two configurations. A query string, a path and headers are text and
 * are coerced to what their schema says; a JSON body has types, and its 0 is not null. Shared schemas (`addSchema`, `$ref`) are in both.
 */
export const buildValidator: BuildCompilerFromPool = (sharedSchemas) => {
  // Without strictNumbers, bounds hold for Infinity too, which is what 1e999 is coerced to.
  const options = { removeAdditional: false, strictNumbers: false, allErrors: false, keywords: [normalize] }
  const exact = build(sharedSchemas, { customOptions: { ...options, coerceTypes: false } })
  const coercing = build(sharedSchemas, { customOptions: { ...options, coerceTypes: true } })
  return (route) => {
    if (typeof route === 'object' && route.httpPart === 'body') return exact(route)
    const names = integersOf(typeof route === 'object' ? route.schema : undefined)
    return names.length === 0 ? coercing(route) : withPlainIntegers(coercing(route), names)
  }
}

/** The properties of an object schema that are integers. */
function integersOf(schema: { properties?: Record<string, { type?: unknown }> } | undefined): string[] {
  return Object.entries(schema?.properties ?? {}).flatMap(([name, { type }]) => (type === 'integer' ? [name] : []))
}

/** Refuses what JavaScript would coerce to one of these integers, though it is not written as one. */
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
