import type { FastifyInstance, FastifyPluginAsync, FastifyPluginCallback } from 'fastify'
import access from './app/access.ts'
import accessTokens from './app/access-tokens.ts'
import adminLink from './app/admin-link.ts'
import audit from './app/audit.ts'
import cache from './app/cache.ts'
import cacheReport from './app/cache-report.ts'
import completedRequests from './app/completed-requests.ts'
import database from './app/database.ts'
import draining from './app/draining.ts'
import emptyBodies from './app/empty-bodies.ts'
import entityTags from './app/entity-tags.ts'
import errors from './app/errors.ts'
import frontDoor from './app/front-door.ts'
import generation from './app/generation.ts'
import identity from './app/identity.ts'
import location from './app/location.ts'
import mail from './app/mail.ts'
import metrics from './app/metrics.ts'
import networkLimits from './app/network-limits.ts'
import notFound from './app/not-found.ts'
import onBehalfOf from './app/on-behalf-of.ts'
import originCheck from './app/origin-check.ts'
import otherMethods from './app/other-methods.ts'
import outboxSweeper from './app/outbox-sweeper.ts'
import preflightLimit from './app/preflight-limit.ts'
import privateCookies from './app/private-cookies.ts'
import query from './app/query.ts'
import requestLog from './app/request-log.ts'
import requestTrace from './app/request-trace.ts'
import responseCache from './app/response-cache.ts'
import services from './app/services.ts'
import sessionStore from './app/session-store.ts'
import sharedBodies from './app/shared-bodies.ts'
import signInAttempts from './app/sign-in-attempts.ts'
import streams from './app/streams.ts'
import timingHeaders from './app/timing-headers.ts'
import transfers from './app/transfers.ts'
import caching from './external/caching.ts'
import compress from './external/compress.ts'
import cookie from './external/cookie.ts'
import cors from './external/cors.ts'
import helmet from './external/helmet.ts'
import otel from './external/otel.ts'
import rateLimit from './external/rate-limit.ts'
import redis from './external/redis.ts'
import session from './external/session.ts'
import sse from './external/sse.ts'
import swagger from './external/swagger.ts'
import underPressure from './external/under-pressure.ts'

/**
 * All plugins, in the order in which their hooks run. The order is security: a request that is refused by one of the first never costs a
 * look-up of the later ones, and each refusal carries the headers of those before it.
 */
const plugins: readonly (FastifyPluginAsync | FastifyPluginCallback)[] = [
  // What is refused has a trace, too.
  otel,
  // Every response, refusals too, tells its id and what it cost.
  requestTrace,
  // Every response ends its connection while the service stops.
  draining,
  // Preflights end in cors, before the limit of routes.
  preflightLimit,
  // A front end on another origin can read every refusal only if it carries the CORS headers.
  cors,
  // Browsers are to be careful with refusals, too.
  helmet,
  // An overloaded process refuses before it asks anybody for anything.
  underPressure,
  // What is not proper HTTP, then what a foreign page sends: both are decided by the headers alone.
  errors,
  emptyBodies,
  originCheck,
  // Connections, which have no hooks. The cache needs both, the sweeper needs the cache.
  redis,
  database,
  cache,
  outboxSweeper,
  services,
  // Who is signed in: a token names an account, or the cookie a session, and the session an account.
  accessTokens,
  cookie,
  // For operators, while nobody can sign in.
  adminLink,
  sessionStore,
  session,
  identity,
  // Letters to accounts.
  mail,
  // Counts by account, or by address where nobody is signed in.
  rateLimit,
  // Counts by address, whoever is signed in.
  networkLimits,
  signInAttempts,
  // Counts what is large by account or network.
  transfers,
  notFound,
  // What gets as far as the database counts as somebody's work there.
  onBehalfOf,
  // After the rate limit: a request that is refused is counted.
  access,
  // What nobody may keep, unless one of the next three says more.
  caching,
  entityTags,
  sharedBodies,
  // Only a request that may be answered is looked up.
  responseCache,
  // Cookies have been set and Cache-Control has been decided by now.
  privateCookies,
  // What happens after the answer.
  completedRequests,
  requestLog,
  audit,
  // What routes use, and what follows from how they are declared.
  query,
  location,
  otherMethods,
  generation,
  cacheReport,
  metrics,
  swagger,
  // The last of onSend, so that the times include the others.
  timingHeaders,
  // Records answers by a hook of their routes, and opens the front door.
  frontDoor,
  // Its hook of each route is the last: what it does not know is compressed already.
  compress,
  // Set the timing headers of streams.
  sse,
  streams
]

/** Registers all plugins. */
export async function registerPlugins(app: FastifyInstance): Promise<void> {
  for (const plugin of plugins) await app.register(plugin)
}
