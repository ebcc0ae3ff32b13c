import AjvCompiler, { type BuildCompilerFromPool } from '@fastify/ajv-compiler'

const build = AjvCompiler()

/**
 * Builds the validator of route schemas: Fastify's own compiler in two configurations. A query string, a path and headers are text and
 * are coerced to what their schema says; a JSON body has types, and its 0 is not null. Shared schemas (`addSchema`, `$ref`) are in both.
 */
export const buildValidator: BuildCompilerFromPool = (sharedSchemas) => {
  // Without strictNumbers, bounds hold for Infinity too, which is what 1e999 is coerced to.
  const options = { removeAdditional: false, strictNumbers: false, allErrors: false }
  const exact = build(sharedSchemas, { customOptions: { ...options, coerceTypes: false } })
  const coercing = build(sharedSchemas, { customOptions: { ...options, coerceTypes: true } })
  return (route) => (typeof route === 'object' && route.httpPart === 'body' ? exact : coercing)(route)
}
