import type { FastifyReply, FastifyRequest, RouteOptions } from 'fastify'
import type { Static, TSchema } from 'typebox'
import type { CacheSpec } from '#cache'
import { noQuery } from '#http/paging.ts'
import type { Account } from '#users/accounts.ts'

/** How the answers of a route are cached, as a function of the input from which the key is built. */
interface Rule<Input> {
  readonly spec: (input: Input) => CacheSpec
  /**
   * Loads what the signed-in user may see although it is not public, such as their own draft.
   * Throws `NotFoundError` as well.
   */
  readonly own?: (input: Input, account: Account) => Promise<unknown>
  /** Hits of visitors may be answered before Fastify's life cycle (plugins/app/front-door.ts). */
  readonly frontDoor?: boolean
}

/** The same as a function of the request: the type of `config.cache`. */
export interface RouteCache {
  readonly spec: (request: FastifyRequest) => CacheSpec
  readonly own: ((request: FastifyRequest, account: Account) => Promise<unknown>) | undefined
  /** Called after validation and before the look-up: finds the input of the key, or answers the request itself. */
  readonly before?: (request: FastifyRequest, reply: FastifyReply) => Promise<void>
  readonly frontDoor: boolean
  /** Throws `TypeError` for a route to which this rule cannot be applied. */
  readonly requireCompatible: (route: RouteOptions) => void
}

/** `config.cache` of a route without input. */
export function cached(rule: Rule<void>): RouteCache {
  return cacheBy(rule, () => {}, {})
}

/** `config.cache` of a route whose answer depends on its path parameters. */
export function cachedByParams<T extends TSchema>(schema: T, rule: Rule<Static<T>>): RouteCache {
  // The route's schema has validated them before this is called, and `requireCompatible` makes sure that it is this
  // schema.
  return cacheBy(rule, ({ params }) => params as Static<T>, { params: schema })
}

/**
 * `config.cache` of a route whose answer depends on what `find` looks up by the path and stores in the request; `find`
 * may answer itself.
 */
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
    requireCompatible: ({ url, config, errorHandler, schema: { params, querystring = noQuery } = {} }) => {
      const reject = (why: string) => {
        throw new TypeError(`${url}: config.cache ${why}`)
      }
      if (!config?.public || config.role !== undefined)
        reject('requires a public route, because the answers are the same for everybody')
      if (errorHandler !== undefined) reject('sets the errorHandler of the route, which already has one')
      if (params !== typedBy.params || querystring !== (typedBy.querystring ?? noQuery)) {
        reject("must use the route's own schema for params or querystring, and the route must have no other input")
      }
    }
  }
}
