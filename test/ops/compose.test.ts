import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { parse } from 'yaml'
import { run } from '../support/server-process.ts'

interface Service {
  readonly profiles?: readonly string[]
  readonly container_name?: string
  readonly depends_on?: Readonly<Record<string, unknown>>
  readonly volumes?: readonly string[]
  readonly ports?: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
  readonly read_only?: boolean
  readonly security_opt?: readonly string[]
  readonly mem_limit?: string
  readonly logging?: { readonly options?: Readonly<Record<string, string>> }
}

/** A password that breaks wherever it is inserted into a URL, a shell command or a list of words. */
const PASSWORD = 'p@ss/w:rd#1 $x'
const VARIABLE = /\$\{(?<name>\w+)(?:(?<operator>:[-?])(?<operand>[^}]*))?\}/g
const text = await readFile('docker-compose.yml', 'utf8')
const secrets = ['POSTGRES_PASSWORD', 'REDIS_PASSWORD', 'GRAFANA_PASSWORD', 'SESSION_SECRET']

t.test('npm run check accepts the file, and refuses files that Compose refuses', async (t) => {
  t.equal(await lint(t, text), 0)
  const broken: [string, RegExp | string, string][] = [
    [
      'a mapping as env_file',
      'env_file: [{ path: .env, required: false }]',
      'env_file: { path: .env, required: false }'
    ],
    ['a misspelt key', 'mem_limit: 1g', 'memory_limit: 1g'],
    [
      'a duplicate key',
      'container_name: aikademiya-redis',
      'container_name: aikademiya-redis\n    container_name: redis'
    ],
    ['a duplicate container name', 'container_name: aikademiya-postgres', 'container_name: aikademiya-redis']
  ]
  await Promise.all(
    broken.map(async ([what, from, to]) => {
      const copy = text.replace(from, to)
      t.not(copy, text, `${what}: the copy is changed`)
      t.equal(await lint(t, copy), 1, what)
    })
  )
})

t.test('every variable is in .env.example, and no secret has a default', async (t) => {
  const example = await readFile('.env.example', 'utf8')
  const names = new Set<string>()
  for (const { groups = {} } of text.matchAll(VARIABLE)) {
    const { name = '', operator } = groups
    names.add(name)
    t.match(example, new RegExp(`^#?${name}=`, 'm'), `${name} is in .env.example`)
    t.equal(
      operator,
      secrets.includes(name) ? ':?' : ':-',
      `${name} is required if it is a secret, otherwise has a default`
    )
  }
  t.strictSame(
    secrets.filter((name) => !names.has(name)),
    []
  )
  t.notOk(text.replace(VARIABLE, '').includes('${'), 'no other form of variable is in the file')
  const line = /^# (for name in .*>> \.env)$/m.exec(example)?.[1] ?? ''
  for (const page of ['README.md', 'README.ru.md']) t.ok((await readFile(page, 'utf8')).includes(line), page)
  const made = await run('bash', ['-c', line.replace('>> .env', '')])
  t.match(
    made.stdout,
    new RegExp(`^${secrets.map((name) => `${name}=[0-9a-f]{48}\n`).join('')}$`),
    'the line makes them'
  )
})

t.test('the services of every profile have their dependencies', async (t) => {
  for (const profiles of [[], ['workers'], ['monitoring'], ['backup'], ['workers', 'monitoring']]) {
    const services = Object.entries(compose()).filter(([, { profiles: of = [] }]) =>
      of.every((p) => profiles.includes(p))
    )
    const active = new Set(services.map(([name]) => name))
    t.ok(['api', 'redis', 'postgres'].every((name) => active.has(name)))
    for (const [name, { depends_on = {} }] of services) {
      for (const other of Object.keys(depends_on)) t.ok(active.has(other), `[${profiles}]: ${name} has ${other}`)
    }
  }
})

t.test('each service has limits, and is reachable from this machine only', async (t) => {
  for (const [name, service] of Object.entries(compose())) {
    t.equal(service.read_only, true, `${name}: nothing is written into the container`)
    t.strictSame(service.security_opt, ['no-new-privileges:true'], `${name}: no new privileges`)
    t.match(service.mem_limit, /^\d+[mg]$/, `${name}: memory`)
    t.match(service.logging?.options, { 'max-size': '10m', 'max-file': '3' }, `${name}: its log is bounded`)
    for (const port of service.ports ?? []) t.match(port, /^127\.0\.0\.1:/, `${name}: ${port}`)
  }
})

t.test('the names on which operators and the scripts in ops/ rely are unchanged', async (t) => {
  const { api, worker, backup, redis, postgres } = compose()
  t.equal(redis?.container_name, 'aikademiya-redis')
  t.equal(api?.container_name, undefined, 'the API can be scaled')
  t.equal(worker?.container_name, undefined)
  t.equal(redis?.environment?.REDISCLI_AUTH, PASSWORD)
  t.equal(postgres?.environment?.POSTGRES_PASSWORD, PASSWORD)
  for (const app of [api, worker, backup]) {
    t.match(app?.environment, { PGPASSWORD: PASSWORD, REDIS_PASSWORD: PASSWORD, SESSION_SECRET: PASSWORD })
    t.notMatch([app?.environment?.DATABASE_URL, app?.environment?.REDIS_URL].join(), PASSWORD, 'no URL has a password')
  }
})

/** The services as Compose resolves them if only the passwords are set. */
function compose(): Readonly<Record<string, Service>> {
  const file: { services: Record<string, Service>; volumes: Record<string, unknown> } = parse(text, {
    merge: true,
    reviver: (_key, value) => (typeof value === 'string' ? interpolated(value) : value)
  })
  for (const [name, { volumes = [] }] of Object.entries(file.services)) {
    for (const [source = ''] of volumes.map((volume) => volume.split(':'))) {
      t.ok(source.startsWith('./') || source in file.volumes, `${name}: ${source} is a folder or a volume of the file`)
    }
  }
  return file.services
}

/** Interpolates like Compose, which replaces variables after parsing, so their values are never read as YAML. */
function interpolated(value: string): string {
  return value.replace(VARIABLE, (...matched) => {
    const { name, operator, operand } = matched.at(-1)
    return operator === ':-' ? operand : secrets.includes(name) ? PASSWORD : ''
  })
}

async function lint(t: { teardown(remove: () => Promise<void>): void }, file: string): Promise<number | null> {
  const folder = await mkdtemp(join(tmpdir(), 'aikademiya-compose-'))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  await writeFile(join(folder, 'docker-compose.yml'), file)
  const linted = await run('dclint', ['--config', '.dclintrc.yaml', join(folder, 'docker-compose.yml')])
  return linted.code
}
