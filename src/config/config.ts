import { randomBytes } from 'node:crypto'
import { isIP } from 'node:net'
import { availableParallelism } from 'node:os'
import { parseRedisUrl, REDIS_URL_FORMS, withPassword } from '#redis/address.ts'
import { DATABASE_DEFAULTS } from './defaults.ts'
import {
  ConfigError,
  choice,
  type Environment,
  integer,
  matching,
  secret,
  text,
  url,
  urlWithCredentials
} from './environment.ts'
import { readLimits } from './limits.ts'
import { readMail } from './mail.ts'
import { withSecretFiles } from './secret-files.ts'
import { readTracing } from './tracing.ts'

const KIBIBYTE = 1024
const MEBIBYTE = 1024 * KIBIBYTE
const DAY_S = 86_400
/** With fewer, some kind of work would have no connection (src/database/shares.ts). */
const MIN_POOL_SIZE = 4
const REQUEST_TIMEOUT_MS: number = 30_000
const SEND_TIMEOUT_MS: number = 30_000
const MAX_EVENT_LOOP_DELAY_MS: number = 1000

const EMAIL = /^[^\s@]+@[^\s@]+\.[^\s@]+$/

/** Everything that the service reads from its environment. Names contain the units of durations; sizes are in bytes. */
export type Config = ReturnType<typeof readConfig>

/**
 * Reads and validates the environment (`docs/configuration.md` lists the variables). Throws `ConfigError`, one line,
 * for the first invalid value.
 */
export function readConfig(environment: Environment) {
  const env = withSecretFiles(environment)
  const production = choice(env, 'NODE_ENV', 'development', ['development', 'test', 'production']) === 'production'
  const databaseUrl = url(env, 'DATABASE_URL', ['postgres:', 'postgresql:'])
  const redisUrl = redis(env, 'REDIS_URL')
  const port = integer(env, 'PORT', 3000, 0, 65_535)
  return freeze({
    /** The role of this process; `worker.ts` overrides it. */
    role: choice({}, 'ROLE', 'api', ['api', 'worker']),
    production,
    /** The commit that this was built from, for the health report. */
    commit: matching(env, 'COMMIT', /^[0-9a-f]{7,40}$/, 'must be 7 to 40 lower-case hexadecimal digits'),
    host: text(env, 'HOST') ?? '127.0.0.1',
    port,
    /** The port on which a worker serves health and metrics; null if it serves none. */
    workerPort: text(env, 'WORKER_PORT') === null ? null : integer(env, 'WORKER_PORT', 0, 0, 65_535),
    trustProxy: trustProxy(env),
    server: {
      /** 0 means no limit. */
      maxConnections: integer(env, 'MAX_CONNECTIONS', 5000, 0, 1_000_000),
      /** 0 means no limit. Does not apply to trusted proxies, whose connections belong to many clients. */
      maxConnectionsPerAddress: integer(env, 'MAX_CONNECTIONS_PER_ADDRESS', 500, 0, 1_000_000),
      requestTimeoutMs: REQUEST_TIMEOUT_MS,
      sendTimeoutMs: SEND_TIMEOUT_MS,
      /** While the delay of the event loop is longer, requests are refused. */
      maxEventLoopDelayMs: MAX_EVENT_LOOP_DELAY_MS
    },
    /** Other origins whose front ends may use the API with the sessions of their users. */
    corsOrigins: corsOrigins(env),
    /** The header that lists the tags of public responses, for CDNs. */
    surrogateKeys: choice(env, 'SURROGATE_KEYS', 'off', ['off', 'Surrogate-Key', 'Cache-Tag']),
    logLevel: choice(env, 'LOG_LEVEL', 'info', ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']),
    /** One of this many ordinary requests is logged. */
    logSample: integer(env, 'LOG_SAMPLE', 1, 1, 1_000_000),
    /** Whether cache hits of visitors may be answered before Fastify's life cycle. */
    frontDoor: choice(env, 'FRONT_DOOR', 'on', ['on', 'off']),
    /** Null: `/metrics` is public. */
    metricsToken: secret(env, 'METRICS_TOKEN', 16),
    slowRequestMs: integer(env, 'SLOW_REQUEST_MS', 500, 1, 600_000),
    /** Null: tracing is off. */
    tracing: readTracing(env),

    /** Null: the embedded database, in `dataDir`. */
    databaseUrl,
    /** Null: `databaseUrl` is used instead. */
    directUrl: directUrl(env, databaseUrl),
    /** How many connections the requests of one process share. */
    poolSize: integer(env, 'DATABASE_POOL_SIZE', DATABASE_DEFAULTS.poolSize, MIN_POOL_SIZE, 500),
    /** How long one statement may take; 0 means no limit. */
    statementTimeoutMs:
      integer(env, 'DATABASE_STATEMENT_TIMEOUT', DATABASE_DEFAULTS.statementTimeoutMs / 1000, 0, 3600) * 1000,
    /** `none`: a start applies no migrations, and fails if any are pending. */
    migrate: choice(env, 'MIGRATE', 'start', ['start', 'none']),
    dataDir: text(env, 'DATA_DIR') ?? '.data',
    seed: choice(env, 'SEED', databaseUrl === null ? 'demo' : 'none', ['demo', 'none']),
    admin: admin(env),

    redis: {
      /** Null: cache, sessions and limits are kept in this process. */
      url: redisUrl,
      sessionUrl: redis(env, 'REDIS_SESSION_URL') ?? redisUrl,
      /** The Redis, and the user, with which a backup reads the sessions. */
      backupUrl: redis(env, 'BACKUP_REDIS_URL') ?? redis(env, 'REDIS_SESSION_URL') ?? redisUrl,
      /** Null: each process counts its own requests. */
      limitUrl: text(env, 'REDIS_LIMIT_URL') === 'none' ? null : (redis(env, 'REDIS_LIMIT_URL') ?? redisUrl),
      keyPrefix:
        matching(
          env,
          'REDIS_KEY_PREFIX',
          /^[A-Za-z0-9_.-]{1,64}$/,
          'must be 1 to 64 letters, digits, "_", "." or "-"'
        ) ?? 'aikademiya'
    },
    cache: {
      defaultTtlMs: integer(env, 'CACHE_DEFAULT_TTL', 300, 1, 7 * DAY_S) * 1000,
      l1LeaseMs: integer(env, 'CACHE_L1_LEASE_MS', 1000, 0, 60_000),
      l1MaxBytes: integer(env, 'CACHE_L1_MAX_BYTES', 64 * MEBIBYTE, 0, 64 * KIBIBYTE * MEBIBYTE),
      maxEntryBytes: integer(env, 'CACHE_MAX_ENTRY_BYTES', MEBIBYTE, KIBIBYTE, 512 * MEBIBYTE),
      staleIfErrorMs: integer(env, 'CACHE_STALE_IF_ERROR', 600, 0, 7 * DAY_S) * 1000
    },
    /** Requests per hour; 0 means no limit. */
    rateLimit: {
      anonymous: integer(env, 'RATE_LIMIT_ANONYMOUS', 100, 0, 1_000_000_000),
      user: integer(env, 'RATE_LIMIT_USER', 1000, 0, 1_000_000_000),
      generation: integer(env, 'RATE_LIMIT_GENERATION', 10, 0, 1_000_000_000)
    },
    ...readLimits(env),
    ...readMail(env, production, port),
    session: {
      secrets: sessionSecrets(env, production),
      /** True if `SESSION_SECRET` is not set: no other process has these secrets. */
      isGenerated: text(env, 'SESSION_SECRET') === null,
      ttlMs: integer(env, 'SESSION_TTL', 14 * DAY_S, 60, 365 * DAY_S) * 1000,
      maxAgeMs: integer(env, 'SESSION_MAX_AGE', 90 * DAY_S, 60, 3650 * DAY_S) * 1000,
      /** `none`: browsers also send the cookie from other sites, and it is always `Secure`. */
      sameSite: choice(env, 'SESSION_SAMESITE', 'lax', ['lax', 'strict', 'none'])
    },
    llm: llm(env),
    generation: {
      concurrency: integer(env, 'GENERATION_CONCURRENCY', Math.max(2, availableParallelism()), 1, 64),
      worker: worker(env, databaseUrl)
    }
  })
}

function llm(env: Environment) {
  const provider = choice(env, 'LLM_PROVIDER', 'template', ['template', 'openai'])
  const baseUrl = urlWithCredentials(env, 'LLM_BASE_URL', ['http:', 'https:'])
  const apiKey = secret(env, 'LLM_API_KEY', 1)
  if (provider === 'openai' && baseUrl === null && apiKey === null) {
    throw new ConfigError(
      'LLM_API_KEY',
      '',
      'LLM_PROVIDER=openai requires it, or the LLM_BASE_URL of a server that needs no key'
    )
  }
  return {
    provider,
    baseUrl,
    apiKey,
    model: text(env, 'LLM_MODEL'),
    timeoutMs: integer(env, 'LLM_TIMEOUT', 120, 1, 3600) * 1000
  }
}

function directUrl(env: Environment, databaseUrl: string | null): string | null {
  const value = url(env, 'DATABASE_DIRECT_URL', ['postgres:', 'postgresql:'])
  if (value === null || databaseUrl !== null) return value
  throw new ConfigError('DATABASE_DIRECT_URL', value, 'it requires DATABASE_URL, which is not set', true)
}

function worker(env: Environment, databaseUrl: string | null) {
  const value = choice(env, 'WORKER', 'inline', ['inline', 'none'])
  if (value === 'inline' || databaseUrl !== null) return value
  throw new ConfigError(
    'WORKER',
    value,
    'none requires DATABASE_URL: no other process can run generations on an embedded database'
  )
}

/** The URL of a Redis, with `REDIS_PASSWORD` if the URL itself has no password. */
function redis(env: Environment, name: string): string | null {
  const value = text(env, name)
  if (value === null) return null
  if (parseRedisUrl(value) !== null) return withPassword(value, secret(env, 'REDIS_PASSWORD', 1))
  throw new ConfigError(name, value, `must be a URL in one of the forms ${REDIS_URL_FORMS}`, true)
}

/**
 * A value for Fastify's `trustProxy`: a number of proxies, a list of their addresses, `false`, or `true` (trust
 * everybody).
 */
function trustProxy(env: Environment): boolean | number | string {
  const value = text(env, 'TRUST_PROXY')
  if (value === null || value === 'false') return false
  if (value === 'true') return true
  if (/^\d{1,2}$/.test(value)) return Number(value)
  if (value.split(',').every((entry) => isNetwork(entry.trim()))) return value
  throw new ConfigError(
    'TRUST_PROXY',
    value,
    'must be a number of proxies, a list of addresses or networks such as 10.0.0.0/8, false, or true'
  )
}

function isNetwork(entry: string): boolean {
  if (['loopback', 'linklocal', 'uniquelocal'].includes(entry)) return true
  const [address = '', bits, ...rest] = entry.split('/')
  const version = isIP(address)
  if (version === 0 || rest.length > 0) return false
  return (
    bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) >= 1 && Number(bits) <= (version === 4 ? 32 : 128))
  )
}

function corsOrigins(env: Environment): readonly string[] {
  const origins = (env.CORS_ORIGINS ?? '').split(',').filter((origin) => origin !== '')
  const invalid = origins.find((origin) => !URL.canParse(origin) || new URL(origin).origin !== origin)
  if (invalid === undefined) return origins
  throw new ConfigError('CORS_ORIGINS', invalid, 'must be a list of origins, "https://a.example,https://b.example"')
}

function admin(env: Environment): { email: string; password: string } | null {
  const email = matching(env, 'ADMIN_EMAIL', EMAIL, 'must be an e-mail address')
  const password = secret(env, 'ADMIN_PASSWORD', 10)
  if (email !== null && password !== null) return { email: email.toLowerCase(), password }
  if (email === null && password === null) return null
  const missing = email === null ? 'ADMIN_EMAIL' : 'ADMIN_PASSWORD'
  throw new ConfigError(missing, '', 'ADMIN_EMAIL and ADMIN_PASSWORD must be set together, or not at all')
}

/** The first secret signs, and all of them verify: to rotate a secret, put the new one in front. */
function sessionSecrets(env: Environment, production: boolean): readonly string[] {
  const value = env.SESSION_SECRET
  if (!value) {
    if (production) throw new ConfigError('SESSION_SECRET', '', 'it is required when NODE_ENV=production')
    return [randomBytes(32).toString('hex')]
  }
  const secrets = value.split(',')
  if (secrets.every((one) => one.length >= 32)) return secrets
  throw new ConfigError(
    'SESSION_SECRET',
    value,
    'must be one or more secrets of at least 32 characters, "new,old"',
    true
  )
}

function freeze<const T extends object>(config: T): Readonly<T> {
  for (const value of Object.values(config)) if (typeof value === 'object' && value !== null) freeze(value)
  return Object.freeze(config)
}
