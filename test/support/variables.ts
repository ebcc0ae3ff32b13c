import type { Config } from '#config/config.ts'
import type { Environment } from '#config/environment.ts'

/** An environment variable of the contract, and its effect on the configuration. */
export interface Variable {
  readonly name: string
  readonly of: (config: Config) => unknown
  /** The default, if the contract names one. */
  readonly unset?: unknown
  readonly given: string
  /** Other variables that it needs. */
  readonly with?: Environment
  readonly parsed: unknown
  /** Values that are refused; absent if any text is allowed. */
  readonly bad?: readonly [string, ...string[]]
  /** The part of the message for refused values. */
  readonly allowed?: RegExp
  /** The value may hold a password, and is never shown. */
  readonly hidden?: true
}

const noNumber = ['many', '-1', '1.5', '0x10', '1e3', ' 5', '5 ', '99999999999999999999', 'NaN'] as const
const noUrl = ['localhost:1', 'nonsense', 'gopher://host/', '//host'] as const
const number = { bad: noNumber, allowed: /must.*\d.*\d/ }
const positive = { bad: ['0', ...noNumber], allowed: /must.*\d.*\d/ } as const
const redis = { bad: [...noUrl, 'http://host'], allowed: /redis:\/\//, hidden: true } as const

const COLLECTOR = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318' }

export const variables: readonly Variable[] = [
  { name: 'PORT', of: (c) => c.port, unset: 3000, given: '8080', parsed: 8080, ...number, allowed: /65535/ },
  { name: 'HOST', of: (c) => c.host, unset: '127.0.0.1', given: '::', parsed: '::' },
  { name: 'MAX_CONNECTIONS', of: (c) => c.server.maxConnections, unset: 5000, given: '0', parsed: 0, ...number },
  {
    name: 'MAX_CONNECTIONS_PER_ADDRESS',
    of: (c) => c.server.maxConnectionsPerAddress,
    unset: 500,
    given: '20',
    parsed: 20,
    ...number
  },
  { name: 'DATA_DIR', of: (c) => c.dataDir, unset: '.data', given: '/var/lib/x', parsed: '/var/lib/x' },
  {
    name: 'DATABASE_URL',
    of: (c) => c.databaseUrl,
    unset: null,
    given: 'postgresql://app:pw@db:5432/academy?sslmode=require',
    parsed: 'postgresql://app:pw@db:5432/academy?sslmode=require',
    bad: [...noUrl, 'mysql://db/academy', 'redis://db'],
    allowed: /postgres(ql)?:\/\//,
    hidden: true
  },
  {
    name: 'DATABASE_POOL_SIZE',
    of: (c) => c.poolSize,
    unset: 10,
    given: '4',
    parsed: 4,
    bad: ['3', '501', '-1', '4.5', 'many']
  },
  {
    name: 'DATABASE_STATEMENT_TIMEOUT',
    of: (c) => c.statementTimeoutMs,
    unset: 5000,
    given: '0',
    parsed: 0,
    bad: ['-1', '3601', '1s']
  },
  {
    name: 'DATABASE_DIRECT_URL',
    of: (c) => c.directUrl,
    unset: null,
    given: 'postgresql://app:pw@db:5432/academy',
    with: { DATABASE_URL: 'postgresql://app:pw@pooler:6432/academy' },
    parsed: 'postgresql://app:pw@db:5432/academy',
    bad: [...noUrl, 'mysql://db/academy', 'redis://db'],
    allowed: /postgres(ql)?:\/\//,
    hidden: true
  },
  { name: 'MIGRATE', of: (c) => c.migrate, unset: 'start', given: 'none', parsed: 'none', bad: ['yes', 'START'] },
  { name: 'REDIS_URL', of: (c) => c.redis.url, unset: null, given: 'redis://r:1/2', parsed: 'redis://r:1/2', ...redis },
  {
    name: 'REDIS_SESSION_URL',
    of: (c) => c.redis.sessionUrl,
    unset: null,
    given: 'rediss://u:p@r:1',
    parsed: 'rediss://u:p@r:1',
    ...redis
  },
  {
    name: 'REDIS_LIMIT_URL',
    of: (c) => c.redis.limitUrl,
    unset: null,
    given: 'redis://r',
    parsed: 'redis://r',
    ...redis
  },
  {
    name: 'BACKUP_REDIS_URL',
    of: (c) => c.redis.backupUrl,
    unset: null,
    given: 'redis://backup:p@r',
    parsed: 'redis://backup:p@r',
    ...redis
  },
  {
    name: 'REDIS_KEY_PREFIX',
    of: (c) => c.redis.keyPrefix,
    unset: 'aikademiya',
    given: 'staging.v2',
    parsed: 'staging.v2',
    bad: ['with space', 'star*', 'кэш', 'x'.repeat(65), 'a{b}'],
    allowed: /letters/
  },
  {
    name: 'CACHE_DEFAULT_TTL',
    of: (c) => c.cache.defaultTtlMs,
    unset: 300_000,
    given: '60',
    parsed: 60_000,
    ...positive
  },
  { name: 'CACHE_L1_LEASE_MS', of: (c) => c.cache.l1LeaseMs, unset: 1000, given: '0', parsed: 0, ...number },
  { name: 'CACHE_L1_MAX_BYTES', of: (c) => c.cache.l1MaxBytes, given: '1048576', parsed: 1_048_576, ...number },
  {
    name: 'CACHE_MAX_ENTRY_BYTES',
    of: (c) => c.cache.maxEntryBytes,
    unset: 1_048_576,
    given: '65536',
    parsed: 65_536,
    ...positive
  },
  {
    name: 'CACHE_STALE_IF_ERROR',
    of: (c) => c.cache.staleIfErrorMs,
    unset: 600_000,
    given: '30',
    parsed: 30_000,
    ...number
  },
  { name: 'RATE_LIMIT_ANONYMOUS', of: (c) => c.rateLimit.anonymous, unset: 100, given: '0', parsed: 0, ...number },
  { name: 'RATE_LIMIT_USER', of: (c) => c.rateLimit.user, unset: 1000, given: '5000', parsed: 5000, ...number },
  { name: 'RATE_LIMIT_GENERATION', of: (c) => c.rateLimit.generation, unset: 10, given: '1', parsed: 1, ...number },
  { name: 'RATE_LIMIT_NETWORK', of: (c) => c.networkLimit.requests, unset: 10_000, given: '0', parsed: 0, ...number },
  { name: 'RATE_LIMIT_REGISTRATION', of: (c) => c.networkLimit.accounts, unset: 20, given: '5', parsed: 5, ...number },
  {
    name: 'RATE_LIMIT_GENERATION_NETWORK',
    of: (c) => c.networkLimit.generations,
    unset: 20,
    given: '5',
    parsed: 5,
    ...number
  },
  { name: 'MAX_STREAMS', of: (c) => c.streams.max, unset: 1000, given: '5', parsed: 5, ...number },
  { name: 'MAX_STREAMS_PER_USER', of: (c) => c.streams.maxPerUser, unset: 20, given: '5', parsed: 5, ...number },
  { name: 'MAX_GENERATIONS_WAITING', of: (c) => c.generationQueue.max, unset: 1000, given: '5', parsed: 5, ...number },
  {
    name: 'MAX_GENERATIONS_WAITING_PER_USER',
    of: (c) => c.generationQueue.maxPerUser,
    unset: 10,
    given: '5',
    parsed: 5,
    ...number
  },
  { name: 'LLM_BUDGET_HOUR', of: (c) => c.modelBudget.hour, unset: 0, given: '500', parsed: 500, ...number },
  { name: 'LLM_BUDGET_DAY', of: (c) => c.modelBudget.day, unset: 0, given: '500', parsed: 500, ...number },
  { name: 'QUOTA_COURSES', of: (c) => c.quota.courses, unset: 200, given: '5', parsed: 5, ...number },
  { name: 'QUOTA_DRAFTS', of: (c) => c.quota.drafts, unset: 100, given: '5', parsed: 5, ...number },
  { name: 'QUOTA_ENROLLMENTS', of: (c) => c.quota.enrollments, unset: 1000, given: '5', parsed: 5, ...number },
  { name: 'QUOTA_BYTES', of: (c) => c.quota.bytes, unset: 52_428_800, given: '5', parsed: 5, ...number },
  {
    name: 'MAIL_URL',
    of: (c) => c.mail.url,
    unset: null,
    given: 'smtps://us%20er:pw@mail.example?ca=/etc/ca.crt',
    with: { MAIL_FROM: 'no-reply@academy.example', PUBLIC_URL: 'https://academy.example' },
    parsed: 'smtps://us%20er:pw@mail.example?ca=/etc/ca.crt',
    bad: [
      ...noUrl,
      'http://mail.example',
      'smtp://mail.example/path',
      'smtp://user@mail.example',
      'smtp://mail.example?x=y',
      'smtp://user:100%sure@mail.example'
    ],
    allowed: /smtps?:\/\//,
    hidden: true
  },
  {
    name: 'MAIL_FROM',
    of: (c) => c.mail.from,
    unset: '',
    given: 'Академия <no-reply@academy.example>',
    parsed: 'Академия <no-reply@academy.example>',
    bad: ['academy', 'a@b.example, c@d.example', 'a@b.example\r\nBcc: c@d.example', '<a@b.example> x'],
    allowed: /address/
  },
  {
    name: 'PUBLIC_URL',
    of: (c) => c.mail.publicUrl,
    unset: 'http://localhost:3000',
    given: 'https://academy.example/app/',
    parsed: 'https://academy.example/app',
    bad: ['academy.example', 'ftp://academy.example', 'https://academy.example/?x=y', 'https://u:p@academy.example'],
    hidden: true
  },
  {
    name: 'REQUIRE_VERIFIED_EMAIL',
    of: (c) => c.requireVerifiedEmail,
    unset: [],
    given: 'publish,generate',
    parsed: ['generate', 'publish'],
    bad: ['all', 'publish,', 'none,publish'],
    allowed: /generate/
  },
  { name: 'REGISTRATION', of: (c) => c.registration, unset: 'open', given: 'closed', parsed: 'closed', bad: ['no'] },
  { name: 'PUBLISHING', of: (c) => c.publishing, unset: 'everyone', given: 'authors', parsed: 'authors', bad: ['all'] },
  { name: 'SESSION_TTL', of: (c) => c.session.ttlMs, given: '3600', parsed: 3_600_000, ...positive },
  {
    name: 'SESSION_MAX_AGE',
    of: (c) => c.session.maxAgeMs,
    unset: 90 * 86_400_000,
    given: '86400',
    parsed: 86_400_000,
    ...positive
  },
  {
    name: 'SESSION_SAMESITE',
    of: (c) => c.session.sameSite,
    unset: 'lax',
    given: 'none',
    parsed: 'none',
    bad: ['all']
  },
  {
    name: 'SURROGATE_KEYS',
    of: (c) => c.surrogateKeys,
    unset: 'off',
    given: 'Cache-Tag',
    parsed: 'Cache-Tag',
    bad: ['on']
  },
  {
    name: 'TRUST_PROXY',
    of: (c) => c.trustProxy,
    unset: false,
    given: 'true',
    parsed: true,
    bad: ['perhaps', '-1', 'abc', '999.1.1.1', '10.0.0.0/99', ',', ' ', ':'],
    allowed: /proxies/
  },
  {
    name: 'LOG_LEVEL',
    of: (c) => c.logLevel,
    unset: 'info',
    given: 'debug',
    parsed: 'debug',
    bad: ['loud', 'INFO'],
    allowed: /info.*debug/
  },
  {
    name: 'FRONT_DOOR',
    of: (c) => c.frontDoor,
    unset: 'on',
    given: 'off',
    parsed: 'off',
    bad: ['no'],
    allowed: /on, off/
  },
  {
    name: 'METRICS_TOKEN',
    of: (c) => c.metricsToken,
    unset: null,
    given: 'token-of-prometheus',
    parsed: 'token-of-prometheus',
    bad: ['short'],
    allowed: /16 characters/,
    hidden: true
  },
  {
    name: 'COMMIT',
    of: (c) => c.commit,
    unset: null,
    given: '0123abc',
    parsed: '0123abc',
    bad: ['main', '0123'],
    allowed: /hexadecimal/
  },
  {
    name: 'OTEL_EXPORTER_OTLP_ENDPOINT',
    of: (c) => c.tracing,
    unset: null,
    given: 'http://collector:4318',
    parsed: { endpoint: 'http://collector:4318', protocol: 'http/protobuf', headers: null },
    bad: [...noUrl, 'grpc://collector:4317'],
    allowed: /https?:\/\//,
    hidden: true
  },
  {
    name: 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT',
    of: (c) => c.tracing?.endpoint,
    given: 'http://collector:4318/v1/traces',
    with: { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://other:4318' },
    parsed: 'http://collector:4318/v1/traces',
    bad: noUrl,
    hidden: true
  },
  {
    name: 'OTEL_EXPORTER_OTLP_PROTOCOL',
    of: (c) => c.tracing?.protocol,
    given: 'http/json',
    with: COLLECTOR,
    parsed: 'http/json',
    bad: ['grpc', 'http']
  },
  {
    name: 'OTEL_EXPORTER_OTLP_TRACES_PROTOCOL',
    of: (c) => c.tracing?.protocol,
    given: 'http/json',
    with: { ...COLLECTOR, OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf' },
    parsed: 'http/json',
    bad: ['grpc']
  },
  {
    name: 'OTEL_EXPORTER_OTLP_HEADERS',
    of: (c) => c.tracing?.headers,
    given: 'api-key=k,x=y%20z',
    with: COLLECTOR,
    parsed: 'api-key=k,x=y%20z',
    bad: ['k', 'a=b,', 'a b=c', 'a=b%0d%0aX:y', 'a=%'],
    hidden: true
  },
  {
    name: 'OTEL_BSP_MAX_EXPORT_BATCH_SIZE',
    of: (c) => c.tracing === null,
    given: '100',
    with: COLLECTOR,
    parsed: false,
    bad: ['0', '-1', 'many']
  },
  { name: 'OTEL_TRACES_EXPORTER', of: (c) => c.tracing, given: 'none', with: COLLECTOR, parsed: null, bad: ['zipkin'] },
  { name: 'OTEL_SDK_DISABLED', of: (c) => c.tracing, given: 'true', with: COLLECTOR, parsed: null, bad: ['yes'] },
  {
    name: 'OTEL_TRACES_SAMPLER',
    of: (c) => c.tracing === null,
    given: 'parentbased_traceidratio',
    with: COLLECTOR,
    parsed: false,
    bad: ['ratio', 'jaeger_remote']
  },
  {
    name: 'OTEL_TRACES_SAMPLER_ARG',
    of: (c) => c.tracing === null,
    given: '0.05',
    with: COLLECTOR,
    parsed: false,
    bad: ['5%', '1.5', '-1', '05']
  },
  { name: 'WORKER_PORT', of: (c) => c.workerPort, unset: null, given: '9100', parsed: 9100, ...number },
  {
    name: 'LOG_SAMPLE',
    of: (c) => c.logSample,
    unset: 1,
    given: '100',
    parsed: 100,
    bad: ['0', '-1', '0.5', '1/10', 'all', '1000001'],
    allowed: /integer between 1 and 1000000/
  },
  { name: 'SLOW_REQUEST_MS', of: (c) => c.slowRequestMs, unset: 500, given: '250', parsed: 250, ...number },
  {
    name: 'SEED',
    of: (c) => c.seed,
    unset: 'demo',
    given: 'none',
    parsed: 'none',
    bad: ['yes'],
    allowed: /demo, none/
  },
  {
    name: 'LLM_PROVIDER',
    of: (c) => c.llm.provider,
    with: { LLM_API_KEY: 'sk-key' },
    unset: 'template',
    given: 'openai',
    parsed: 'openai',
    bad: ['gpt', 'OpenAI'],
    allowed: /template, openai/
  },
  {
    name: 'LLM_BASE_URL',
    of: (c) => c.llm.baseUrl,
    unset: null,
    given: 'http://localhost:11434/v1',
    parsed: 'http://localhost:11434/v1',
    bad: [...noUrl, 'ftp://host', 'http://user:100%sure@host'],
    allowed: /https?:\/\//,
    hidden: true
  },
  { name: 'LLM_API_KEY', of: (c) => c.llm.apiKey, unset: null, given: 'sk-1', parsed: 'sk-1' },
  { name: 'LLM_MODEL', of: (c) => c.llm.model, unset: null, given: 'llama3', parsed: 'llama3' },
  { name: 'GENERATION_CONCURRENCY', of: (c) => c.generation.concurrency, given: '3', parsed: 3, ...positive },
  {
    name: 'WORKER',
    of: (c) => c.generation.worker,
    unset: 'inline',
    given: 'none',
    with: { DATABASE_URL: 'postgres://db.internal/academy' },
    parsed: 'none',
    bad: ['thread'],
    allowed: /inline, none/
  },
  {
    name: 'NODE_ENV',
    of: (c) => c.production,
    unset: false,
    given: 'test',
    parsed: false,
    bad: ['prod', 'staging'],
    allowed: /production/
  }
]
