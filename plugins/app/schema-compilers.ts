import AjvCompiler from '@fastify/ajv-compiler'
import { SerializerSelector } from '@fastify/fast-json-stringify-compiler'
import type { FastifySchemaCompiler, FastifySerializerCompiler } from 'fastify'
import fp from 'fastify-plugin'

type Validate = ReturnType<FastifySchemaCompiler<unknown>>
type Serialize = ReturnType<FastifySerializerCompiler<unknown>>

/** Compiles the schemas of routes when a request first needs them: all of them at once took a tenth of the start. */
export default fp(
  async (app) => {
    // A query string is text, and is read as what its schema says; JSON has types, and 0 is not null.
    // Without strictNumbers, bounds hold for Infinity too, which is what 1e999 is coerced to.
    const build = AjvCompiler()
    const compiler = (coerceTypes: boolean) =>
      build({}, { customOptions: { removeAdditional: false, strictNumbers: false, coerceTypes, allErrors: false } })
    const [exact, coercing] = [compiler(false), compiler(true)]
    app.setValidatorCompiler((route) => {
      let compiled: Validate | undefined
      const validate: Validate = (data) => {
        compiled ??= (route.httpPart === 'body' ? exact : coercing)(route)
        const result = compiled(data)
        validate.errors = compiled.errors ?? null
        return result
      }
      return validate
    })

    const serializer = SerializerSelector()({}, {})
    app.setSerializerCompiler((route) => {
      let compiled: Serialize | undefined
      return (payload) => {
        compiled ??= serializer({ ...route, httpStatus: route.httpStatus ?? '' })
        return compiled(payload)
      }
    })
  },
  { name: 'schema-compilers' }
)
