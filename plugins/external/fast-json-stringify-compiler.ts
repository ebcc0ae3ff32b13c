import SerializerCompiler, { type Serializer, type SerializerFactory } from '@fastify/fast-json-stringify-compiler'

const build = SerializerCompiler()

/**
 * Builds the serializers of responses: Fastify's own compiler, called once for each schema. Fastify calls it for each
 * status of each route, and for GET and HEAD separately, although most of them share a schema.
 */
export const buildSerializer: SerializerFactory = (sharedSchemas, options) => {
  const compile = build(sharedSchemas, options)
  const compiled = new Map<unknown, Serializer>()
  return (route) => {
    const serialize = compiled.get(route.schema) ?? compile(route)
    compiled.set(route.schema, serialize)
    return serialize
  }
}
