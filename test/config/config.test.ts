import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { readConfig } from '#config/config.ts'
import { ConfigError, type Environment } from '#config/environment.ts'
import { runScript } from '../support/script.ts'
import { temporaryFolder } from '../support/service.ts'
import { variables } from '../support/variables.ts'

const LONG = 'a-secret-that-is-long-enough-for-anybody'

t.test('each variable has its documented default, also for an empty value, and takes a valid value', async (t) => {
  for (const { name, of, unset, given, parsed, with: others = {} } of variables) {
    if (unset !== undefined) t.strictSame(of(readConfig({})), unset, `${name} has its documented default`)
    t.strictSame(of(readConfig({ [name]: '' })), of(readConfig({})), `an empty ${name} counts as unset`)
    t.strictSame(of(readConfig({ ...others, [name]: given })), parsed, `${name}=${given} is accepted`)
  }
})

t.test('an invalid value is refused in one line with the variable, the value and what it must be', async (t) => {
  for (const { name, bad = [], allowed = /must/, hidden = false } of variables) {
    for (const value of bad) {
      const message = refusal(t, { [name]: value })
      t.match(
        message,
        new RegExp(`^${name}\\b[^\\n]+$`),
        `${name}=${JSON.stringify(value)}: one line that begins with it`
      )
      t.match(message, allowed, `${name}: what it must be`)
      if (!hidden) t.ok(message.includes(JSON.stringify(value)), `${name}: the value ${JSON.stringify(value)}`)
    }
  }
})

t.test('an embedded database needs a worker in its own process', async (t) => {
  t.match(refusal(t, { WORKER: 'none' }), /^WORKER="none" .*requires DATABASE_URL/)
})

t.test('a secret may be in a file, and an unusable file is named in one line', async (t) => {
  const path = join(await temporaryFolder(t), 'secret')
  await writeFile(path, `${LONG}\n`)
  t.strictSame(readConfig({ SESSION_SECRET_FILE: path, NODE_ENV: 'production' }).session.secrets, [LONG])
  await writeFile(path, 'postgres://u:p@db.internal/academy')
  t.equal(readConfig({ DATABASE_URL_FILE: path }).databaseUrl, 'postgres://u:p@db.internal/academy')
  t.match(
    refusal(t, { DATABASE_URL_FILE: path, DATABASE_URL: 'postgres://h/d' }),
    /^DATABASE_URL_FILE=.*DATABASE_URL is also set$/
  )
  t.match(refusal(t, { LLM_API_KEY_FILE: `${path}.none` }), /^LLM_API_KEY_FILE=.*cannot be read \(ENOENT/)
  await writeFile(path, '\n')
  t.match(refusal(t, { METRICS_TOKEN_FILE: path }), /^METRICS_TOKEN_FILE=.*is empty$/)
})

t.test('npm run config prints the effective settings without secrets', async (t) => {
  const { code, stdout } = await runScript('src/cli/print-config.ts', {
    ADMIN_EMAIL: 'admin@example.org',
    ...Object.fromEntries(
      ['ADMIN_PASSWORD', 'LLM_API_KEY', 'METRICS_TOKEN', 'REDIS_PASSWORD', 'SESSION_SECRET'].map((name) => [name, LONG])
    ),
    DATABASE_URL: `postgres://user:${LONG}@db.internal/academy?sslpassword=${LONG}`,
    REDIS_URL: `redis+sentinel://:${LONG}@one:1,two:2/main?sentinelPassword=${LONG}`
  })
  t.equal(code, 0)
  t.match(JSON.parse(stdout), {
    databaseUrl: 'postgres://db.internal/academy',
    redis: { url: 'redis+sentinel://one:1,two:2/main' },
    metricsToken: '(hidden)',
    port: 3000
  })
  t.notMatch(stdout, LONG)
  const refused = await runScript('src/cli/print-config.ts', { PORT: 'many' })
  t.same([refused.code, refused.stdout], [1, ''])
  t.match(refused.stderr, /^PORT="many" /)
})

t.test('a model needs a key, or a server that needs none', async (t) => {
  t.match(refusal(t, { LLM_PROVIDER: 'openai' }), /^LLM_API_KEY="" .*LLM_BASE_URL/)
  for (const given of [{ LLM_API_KEY: 'sk-key' }, { LLM_BASE_URL: 'http://127.0.0.1:11434/v1' }]) {
    t.equal(readConfig({ LLM_PROVIDER: 'openai', ...given }).llm.provider, 'openai')
  }
})

t.test('a line break in a value does not make a second line', async (t) => {
  for (const { name, bad } of variables) {
    if (bad !== undefined) t.notMatch(refusal(t, { [name]: `${bad[0]}\nPORT=1\r\n` }), /[\r\n]/, name)
  }
})

t.test('an embedded database is seeded unless told otherwise, one of DATABASE_URL only when asked to', async (t) => {
  const DATABASE_URL = 'postgres://db.internal/academy'
  t.equal(readConfig({}).seed, 'demo')
  t.equal(readConfig({ DATABASE_URL: '' }).seed, 'demo')
  t.equal(readConfig({ SEED: 'none' }).seed, 'none')
  t.equal(readConfig({ DATABASE_URL }).seed, 'none')
  t.equal(readConfig({ DATABASE_URL, SEED: '' }).seed, 'none')
  t.equal(readConfig({ DATABASE_URL, SEED: 'demo' }).seed, 'demo')
})

t.test('sessions and limits use REDIS_URL unless they have a Redis of their own', async (t) => {
  const url = 'redis://cache:6379'
  t.match(readConfig({ REDIS_URL: url }).redis, { url, sessionUrl: url, limitUrl: url })
  const own = { REDIS_SESSION_URL: 'redis://sessions:6379', REDIS_LIMIT_URL: 'rediss://limits:6380/2' }
  t.match(readConfig({ REDIS_URL: url, ...own }).redis, {
    url,
    sessionUrl: own.REDIS_SESSION_URL,
    limitUrl: own.REDIS_LIMIT_URL
  })
  t.match(readConfig(own).redis, { url: null, sessionUrl: own.REDIS_SESSION_URL })
  t.equal(readConfig({ REDIS_URL: url, REDIS_LIMIT_URL: 'none' }).redis.limitUrl, null)
})

t.test('Redis is one server, with TLS or without', async (t) => {
  const urls = ['redis://127.0.0.1:6379', 'redis://user:pass@cache.internal:6379/1', 'rediss://cache.internal:6380']
  for (const url of urls) t.doesNotThrow(() => readConfig({ REDIS_URL: url }), url)
})

t.test('REDIS_PASSWORD is the password of every Redis whose URL has none', async (t) => {
  const REDIS_PASSWORD = 'p@ss/w:rd#1'
  const added = ':p%40ss%2Fw%3Ard%231@'
  t.match(readConfig({ REDIS_PASSWORD, REDIS_URL: 'redis://cache', REDIS_LIMIT_URL: 'redis://:own@limits' }).redis, {
    url: `redis://${added}cache`,
    sessionUrl: `redis://${added}cache`,
    limitUrl: 'redis://:own@limits'
  })
  t.match(readConfig({ REDIS_PASSWORD, REDIS_SESSION_URL: 'redis://user@sessions' }).redis, {
    url: null,
    sessionUrl: `redis://user${added}sessions`
  })
  t.equal(readConfig({ REDIS_PASSWORD, REDIS_LIMIT_URL: 'none' }).redis.limitUrl, null)
  t.equal(readConfig({ REDIS_PASSWORD: '', REDIS_URL: 'redis://cache' }).redis.url, 'redis://cache')
})

t.test('TRUST_PROXY is a switch, a number of proxies, or a list of addresses and ranges', async (t) => {
  t.equal(readConfig({ TRUST_PROXY: 'false' }).trustProxy, false)
  t.equal(readConfig({ TRUST_PROXY: '2' }).trustProxy, 2)
  for (const list of ['10.0.0.0/8', '10.0.0.0/8, 192.168.1.1', '::1', 'loopback']) {
    t.equal(readConfig({ TRUST_PROXY: list }).trustProxy, list)
  }
})

t.test('the admin is set by e-mail and password together, and e-mails have no case', async (t) => {
  t.equal(readConfig({}).admin, null)
  t.strictSame(readConfig({ ADMIN_EMAIL: 'Boss@Example.com', ADMIN_PASSWORD: LONG }).admin, {
    email: 'boss@example.com',
    password: LONG
  })
  t.match(refusal(t, { ADMIN_EMAIL: 'boss@example.com' }), /^ADMIN_PASSWORD\b.+$/)
  t.match(refusal(t, { ADMIN_PASSWORD: LONG, ADMIN_EMAIL: '' }), /^ADMIN_EMAIL\b.+$/)
})

t.test('production needs a SESSION_SECRET, other environments make one up', async (t) => {
  for (const env of [{}, { SESSION_SECRET: '' }]) {
    t.match(refusal(t, { ...env, NODE_ENV: 'production' }), /^SESSION_SECRET\b.*required.*$/)
  }
  t.match(readConfig({ NODE_ENV: 'production', SESSION_SECRET: LONG }), {
    production: true,
    session: { secrets: [LONG] }
  })
  const [first, second] = [{}, {}].map((env) => readConfig(env).session.secrets)
  t.ok((first?.[0]?.length ?? 0) >= 32, 'a long one')
  t.not(first?.[0], second?.[0], 'another one at each start')
})

t.test('SESSION_SECRET rotates: the new one first, the old ones after it', async (t) => {
  const [fresh, old] = [`new-${LONG}`, `old-${LONG}`]
  t.strictSame(readConfig({ SESSION_SECRET: `${fresh},${old}` }).session.secrets, [fresh, old])
  for (const weak of ['short', `${fresh},short`, `${fresh},`, `,${old}`]) {
    const message = refusal(t, { SESSION_SECRET: weak })
    t.match(message, /^SESSION_SECRET\b.+$/)
    t.notMatch(message, weak)
  }
})

t.test('no message ever shows a secret', async (t) => {
  const whole = {
    SESSION_SECRET: `hunter2-${LONG}`,
    ADMIN_EMAIL: 'boss@example.com',
    ADMIN_PASSWORD: `hunter2-${LONG}`,
    LLM_API_KEY: 'hunter2-key',
    LLM_BASE_URL: 'https://user:hunter2@llm.internal/v1',
    DATABASE_URL: 'postgres://app:hunter2@db.internal/academy',
    REDIS_URL: 'redis://:hunter2@cache.internal:6379',
    REDIS_PASSWORD: 'hunter2'
  }
  t.doesNotThrow(() => readConfig(whole))
  const broken: Environment[] = [
    { SESSION_SECRET: 'hunter2' },
    { ADMIN_PASSWORD: 'hunter2' },
    { ADMIN_EMAIL: '' },
    { LLM_BASE_URL: 'ftp://user:hunter2@llm.internal' },
    { DATABASE_URL: 'mysql://app:hunter2@db.internal/academy' },
    { DATABASE_URL: 'postgres://app:hunter2@db internal/academy' },
    { REDIS_URL: 'http://:hunter2@cache.internal' },
    { REDIS_SESSION_URL: '//:hunter2@cache.internal' },
    { REDIS_LIMIT_URL: ':hunter2@cache.internal:6379' },
    ...variables.flatMap(({ name, bad }) => (bad === undefined ? [] : [{ [name]: bad[0] }]))
  ]
  for (const env of broken) t.notMatch(refusal(t, { ...whole, ...env }), 'hunter2', JSON.stringify(env))
})

t.test('the configuration is frozen at every level', async (t) => {
  const config = readConfig({ ADMIN_EMAIL: 'boss@example.com', ADMIN_PASSWORD: LONG, SESSION_SECRET: LONG })
  t.strictSame(thawed('config', config), [])
})

/** The error message for `env`. */
function refusal(t: Test, env: Environment): string {
  try {
    readConfig(env)
  } catch (error) {
    t.ok(error instanceof ConfigError, 'it is a ConfigError')
    return error instanceof Error ? error.message : String(error)
  }
  t.fail(`accepted: ${JSON.stringify(env)}`)
  return ''
}

/** The paths of the objects that are not frozen. */
function thawed(path: string, value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return []
  const inside = Object.entries(value).flatMap(([key, inner]) => thawed(`${path}.${key}`, inner))
  return Object.isFrozen(value) ? inside : [path, ...inside]
}
