import type { SwaggerTransform } from '@fastify/swagger'
import type { FastifyContextConfig } from 'fastify'
import { Type } from 'typebox'
import { scopeOf } from '#access-tokens/scopes.ts'
import { impliedResponses } from '#http/documented-responses.ts'
import type { HeaderName } from '#http/openapi-answers.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /**
     * For the OpenAPI document: headers of successful answers, beyond those that follow from the rest of the config.
     */
    sends?: readonly HeaderName[]
  }
}

export const SESSION = 'session'
export const BEARER = 'bearer'

const ifNoneMatch = Type.Object({
  'if-none-match': Type.Optional(Type.String({ description: "the ETag of the client's copy; 304 if that is current" }))
})

/**
 * Adds what follows from the config of a route: the answers of plugins, who may call it, and the headers of successful
 * answers (`x-headers`, which `describeAnswers` removes).
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
  // An explicit empty list, so that generated clients do not wait for a session.
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

/** Facts for callers of the operation, in whole sentences. */
function facts(method: string, config: FastifyContextConfig): string[] {
  const { adminLink, cache, entityTag, ifMatch, operator, public: isPublic, role, sessionOnly } = config
  const isWrite = method !== 'GET'
  const who = role === 'admin' ? 'For admins' : isPublic ? 'For everybody' : 'For signed-in users'
  const token = isPublic
    ? '.'
    : sessionOnly
      ? '; access tokens are refused.'
      : `; an access token needs the scope \`${scopeOf(method, config)}\`.`
  const sentences = [who + token]
  if (adminLink) sentences.push('A link of `npm run admin-link` also allows reading it.')
  if (cache !== undefined)
    sentences.push('Cached: `X-Cache` says whether it was a hit. Supports `If-None-Match` (304).')
  else if (entityTag && !isWrite) sentences.push('Supports `If-None-Match` (304).')
  if (ifMatch) sentences.push('With `If-Match`, it answers 412 if somebody else has written meanwhile.')
  if (operator) sentences.push('It has its own, generous rate limit.')
  return sentences
}
