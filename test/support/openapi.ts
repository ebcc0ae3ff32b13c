import { type Static, Type } from 'typebox'
import * as JsonSchema from 'typebox/schema'
import { parse } from './contract.ts'
import { dereference } from './dereference.ts'
import { send } from './http.ts'

/**
 * The part of OpenAPI 3.1 that the service uses. Fields that the standard does not define are errors, except `x-`
 * extensions.
 */

const strict = { additionalProperties: false }
const text = Type.String({ minLength: 1 })
const Schema = Type.Record(Type.String(), Type.Unknown())
const Content = Type.Record(Type.String({ pattern: '^[\\w.+-]+/[\\w.+-]+$' }), Type.Object({ schema: Schema }))

const Parameter = Type.Object(
  {
    name: text,
    in: Type.Enum(['path', 'query', 'header', 'cookie']),
    required: Type.Optional(Type.Boolean()),
    deprecated: Type.Optional(Type.Boolean()),
    description: Type.Optional(Type.String()),
    schema: Schema
  },
  strict
)

const Operation = Type.Object(
  {
    tags: Type.Optional(Type.Array(text)),
    summary: Type.Optional(text),
    description: Type.Optional(text),
    operationId: Type.Optional(text),
    parameters: Type.Optional(Type.Array(Parameter)),
    requestBody: Type.Optional(
      Type.Object(
        { description: Type.Optional(text), content: Content, required: Type.Optional(Type.Boolean()) },
        strict
      )
    ),
    responses: Type.Record(
      Type.String({ pattern: '^([1-5]\\d\\d|[1-5]XX|default)$' }),
      Type.Object(
        { description: text, headers: Type.Optional(Type.Record(text, Schema)), content: Type.Optional(Content) },
        strict
      )
    ),
    deprecated: Type.Optional(Type.Boolean()),
    security: Type.Optional(Type.Array(Type.Record(text, Type.Array(text)))),
    'x-scope': Type.Optional(text)
  },
  strict
)

const Methods = ['get', 'put', 'post', 'delete', 'options', 'head', 'patch', 'trace'] as const

export const Document = Type.Object(
  {
    openapi: Type.String({ pattern: '^3\\.1\\.\\d+$' }),
    info: Type.Object(
      {
        title: text,
        version: text,
        description: Type.Optional(text),
        contact: Type.Object({ name: text }, strict),
        license: Type.Object({ name: text, identifier: text }, strict)
      },
      strict
    ),
    servers: Type.Optional(Type.Array(Type.Object({ url: text }))),
    tags: Type.Optional(Type.Array(Type.Object({ name: text, description: Type.Optional(text) }, strict))),
    components: Type.Optional(Type.Record(Type.String(), Type.Record(Type.String({ pattern: '^[\\w.-]+$' }), Schema))),
    paths: Type.Record(Type.String({ pattern: '^/' }), Type.Partial(Type.Record(Type.Enum([...Methods]), Operation)))
  },
  strict
)

export type Document = Static<typeof Document>
export type Operation = Static<typeof Operation>

/** The document of a service, with all references resolved. */
export async function describedBy(url: string): Promise<Document> {
  const { body } = await send(`${url}/openapi.json`)
  return parse(Document, JSON.stringify(dereference(JSON.parse(body))))
}

/** The schema of a JSON answer; undefined if the document has none. */
export function responseSchema(document: Document, path: string, status: number) {
  return document.paths[path]?.get?.responses[String(status)]?.content?.['application/json']?.schema
}

/** Whether the value fits a schema of the document, which may refer to its components. */
export function fits(document: Document, schema: Record<string, unknown>, value: unknown): boolean {
  return JsonSchema.Check({ ...schema, components: document.components ?? {} }, value)
}

/** Whether this is a JSON Schema 2020-12, the dialect of OpenAPI 3.1. */
export function isJsonSchema(schema: unknown): boolean {
  return JsonSchema.Check(JsonSchema.Meta['https://json-schema.org/draft/2020-12/schema'], schema)
}
