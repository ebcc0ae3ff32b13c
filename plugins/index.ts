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
 * All plugins, in the order in which their hooks run. The order matters for security: a request refused by an early
 * plugin never costs a look-up of a later one, and each refusal carries the headers of the plugins before it.
 */
const plugins: readonly (FastifyPluginAsync | FastifyPluginCallback)[] = [
  // Refusals are traced as well.
  otel,
  // Every response, including refusals, carries its id and its cost.
  requestTrace,
  // While the service stops, every response closes its connection.
  draining,
  // Preflights end in cors, before the limit of routes.
  preflightLimit,
  // A front end on another origin can read every refusal only if it carries the CORS headers.
  cors,
  // Refusals get the security headers as well.
  helmet,
  // An overloaded process refuses requests before they cause any other work.
  underPressure,
  // Refuses malformed HTTP, then writes from foreign pages: both are decided by the headers alone.
  errors,
  emptyBodies,
  originCheck,
  // Connections, without hooks. The cache needs both of them, and the sweeper needs the cache.
  redis,
  database,
  cache,
  outboxSweeper,
  services,
  // Authentication: a token identifies an account, or a cookie a session, and the session an account.
  accessTokens,
  cookie,
  // For operators when nobody can sign in.
  adminLink,
  sessionStore,
  session,
  identity,
  // Letters to accounts.
  mail,
  // Counts by account, or by network for visitors.
  rateLimit,
  // Counts by network, whoever is signed in.
  networkLimits,
  signInAttempts,
  // Limits concurrent large transfers by account or network.
  transfers,
  notFound,
  // Attributes database work to its client.
  onBehalfOf,
  // After the rate limit, so that refused requests are counted.
  access,
  // By default, no answer may be stored; the next three allow more.
  caching,
  entityTags,
  sharedBodies,
  // Only authorized requests are looked up.
  responseCache,
  // Cookies have been set and Cache-Control has been decided by now.
  privateCookies,
  // After the answer.
  completedRequests,
  requestLog,
  audit,
  // Helpers of routes, and what follows from their declarations.
  query,
  location,
  otherMethods,
  generation,
  cacheReport,
  metrics,
  swagger,
  // The last onSend hook of the plugins, so that the times include the others.
  timingHeaders,
  // Records answers in a hook of their routes, and opens the front door.
  frontDoor,
  // Its hook is the last one of each route: answers that are already compressed stay as they are.
  compress,
  // Set the timing headers of streams.
  sse,
  streams
]

/** Registers all plugins. */
export async function registerPlugins(app: FastifyInstance): Promise<void> {
  for (const plugin of plugins) await app.register(plugin)
}
