import type { FastifyReply, FastifyRequest, RouteOptions } from 'fastify'
import type { Static, TSchema } from 'typebox'
import type { CacheSpec } from '#cache'
import { noQuery } from '#http/paging.ts'
import type { Account } from '#users/accounts.ts'

/** How the answers of a route are cached, in terms of the input that its key is made of. */
interface Rule<Input> {
  readonly spec: (input: Input) => CacheSpec
  /**
   * Loads what the user of the session may see where the public finds nothing, as a draft of his own.
   * It throws `NotFoundError`, too.
   */
  readonly own?: (input: Input, account: Account) => Promise<unknown>
  /** Hits of visitors may be answered before Fastify's life cycle (plugins/app/front-door.ts). */
  readonly frontDoor?: boolean
}

/** The same in terms of a request, as `config.cache` of a route has it. */
export interface RouteCache {
  readonly spec: (request: FastifyRequest) => CacheSpec
  readonly own: ((request: FastifyRequest, account: Account) => Promise<unknown>) | undefined
  /** Called before the look-up, once the input is valid: finds what the key is made of, or answers the request itself. */
  readonly before?: (request: FastifyRequest, reply: FastifyReply) => Promise<void>
  readonly frontDoor: boolean
  /** Throws `TypeError` for a route that cannot be cached by this rule. */
  readonly requireFitting: (route: RouteOptions) => void
}

/** `config.cache` of a route whose answer depends on nothing. */
export function cached(rule: Rule<void>): RouteCache {
  return cacheBy(rule, () => {}, {})
}

/** `config.cache` of a route whose answer depends on its path. */
export function cachedByParams<T extends TSchema>(schema: T, rule: Rule<Static<T>>): RouteCache {
  // They are validated, by the schema of the route, before this is called; `requireFitting` sees to it that it is this one.
  return cacheBy(rule, ({ params }) => params as Static<T>, { params: schema })
}

/** `config.cache` of a route whose answer depends on what `find` puts into the request, by its path; `find` may answer itself. */
export function cachedByFound<T extends TSchema, Found>(
  schema: T,
  find: (params: Static<T>, request: FastifyRequest, reply: FastifyReply) => Promise<void>,
  found: (request: FastifyRequest) => Found,
  rule: Rule<Found>
): RouteCache {
  return {
    ...cacheBy(rule, found, { params: schema }),
    // As above.
    before: (request, reply) => find(request.params as Static<T>, request, reply)
  }
}

/** `config.cache` of a route whose answer depends on its query. */
export function cachedByQuery<T extends TSchema>(schema: T, rule: Rule<Static<T>>): RouteCache {
  // As above.
  return cacheBy(rule, ({ query }) => query as Static<T>, { querystring: schema })
}

function cacheBy<Input>(
  { spec, own, frontDoor = false }: Rule<Input>,
  inputOf: (request: FastifyRequest) => Input,
  typedBy: { readonly params?: TSchema; readonly querystring?: TSchema }
): RouteCache {
  return {
    spec: (request) => spec(inputOf(request)),
    own: own && ((request, account) => own(inputOf(request), account)),
    frontDoor,
    requireFitting: ({ url, config, errorHandler, schema: { params, querystring = noQuery } = {} }) => {
      const reject = (why: string) => {
        throw new TypeError(`${url}: config.cache ${why}`)
      }
      if (!config?.public || config.role !== undefined)
        reject('is for public routes: its answers are the same for everybody')
      if (errorHandler !== undefined) reject('ends failed loads by an error handler of its own, and the route has one')
      if (params !== typedBy.params || querystring !== (typedBy.querystring ?? noQuery)) {
        reject('must be typed by the params or the query of the route, and the route must have no other input')
      }
    }
  }
}
