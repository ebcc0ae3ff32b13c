import type { SwaggerTransform } from '@fastify/swagger'
import type { FastifyContextConfig } from 'fastify'
import { Type } from 'typebox'
import { scopeOf } from '#access-tokens/scopes.ts'
import { impliedResponses } from '#http/documented-responses.ts'
import type { HeaderName } from '#http/openapi-answers.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Headers that an answer that is no error has, beside those that follow from the rest of this: for the document. */
    sends?: readonly HeaderName[]
  }
}

export const SESSION = 'session'
export const BEARER = 'bearer'

const ifNoneMatch = Type.Object({
  'if-none-match': Type.Optional(
    Type.String({ description: 'the ETag of what the client has: 304 where that is still right' })
  )
})

/**
 * Adds what follows from the kind of a route: the answers that plugins give, who may call it, and the headers of an answer that is no error
 * (`x-headers`, which `describeAnswers` takes away).
 */
export const describeOperation: SwaggerTransform = ({ schema, url, route }) => {
  if (!/^\/(api\/v1|health)\//.test(url)) return { schema, url }
  const config = route.config ?? {}
  const method = String(route.method)
  const tagged = config.entityTag === true || config.cache !== undefined
  const headers: HeaderName[] = []
  if (tagged) headers.push('ETag', 'X-Cache')
  if (config.cache !== undefined) headers.push('X-Accel-Expires')
  if (config.beginsSession) headers.push('Set-Cookie')
  headers.push(...(config.sends ?? []))
  // None is needed: said, so that no generated client waits for a session.
  const security: Record<string, string[]>[] = config.public ? [] : [{ [SESSION]: [] }]
  if (!config.public && !config.sessionOnly) security.push({ [BEARER]: [] })
  return {
    url,
    schema: {
      ...schema,
      ...(tagged && method === 'GET' ? { headers: ifNoneMatch } : {}),
      description: [schema.description, ...facts(method, config)].filter(Boolean).join('\n\n'),
      response: { ...impliedResponses({ method, tagged }), ...Object(schema.response) },
      security,
      ...(config.public || config.sessionOnly ? {} : { 'x-scope': scopeOf(method, config) }),
      'x-headers': headers
    }
  }
}

/** What somebody who calls it should know, in whole sentences. */
function facts(method: string, config: FastifyContextConfig): string[] {
  const { adminLink, cache, entityTag, ifMatch, operator, public: isPublic, role, sessionOnly } = config
  const isWrite = method !== 'GET'
  const who = role === 'admin' ? 'For admins' : isPublic ? 'For everybody' : 'For whoever is signed in'
  const token = isPublic
    ? '.'
    : sessionOnly
      ? '; access tokens are refused.'
      : `; an access token needs the scope \`${scopeOf(method, config)}\`.`
  const sentences = [who + token]
  if (adminLink) sentences.push('Whoever has opened a link of `npm run admin-link` may read it, too.')
  if (cache !== undefined)
    sentences.push('Cached: `X-Cache` tells whether it was a hit. `If-None-Match` may make it 304.')
  else if (entityTag && !isWrite) sentences.push('`If-None-Match` may make it 304.')
  if (ifMatch) sentences.push('With `If-Match` it is 412 where somebody else has written meanwhile.')
  if (operator) sentences.push('It has a generous limit of its own.')
  return sentences
}
