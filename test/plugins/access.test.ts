import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { FastifyInstance, RouteOptions } from 'fastify'
import t from 'tap'
import { Actor, admin, peopleEnvironment, register } from '../support/actors.ts'
import { ErrorBody, parse } from '../support/contract.ts'
import { copySeededDataDir } from '../support/seeded-data-dir.ts'
import { startService, temporaryFolder } from '../support/service.ts'

/** One method of a route, with a path that matches it. */
interface Operation {
  readonly method: string
  readonly path: string
  readonly route: RouteOptions
}

/** The routes of each Fastify instance in this process, including those that libraries create: Fastify publishes an instance before any route is registered. */
const tables = new Map<FastifyInstance, Operation[]>()

function onInstance(message: unknown): void {
  if (!isInitialization(message)) throw new Error('Fastify published a message that differs from its documentation')
  const { fastify } = message
  const operations: Operation[] = []
  fastify.addHook('onRoute', (route) => {
    const path = route.url.replace(/:\w+/g, '1').replace(/^\*$/, '/*').replace('*', 'x')
    for (const method of [route.method].flat()) operations.push({ method, path, route })
  })
  // The service is the first instance; its plugins may create others. A route registered before all plugins escapes the check in `access`.
  if (tables.size === 0) fastify.get('/early', async () => 'a route that the test must report')
  tables.set(fastify, operations)
}

function isInitialization(message: unknown): message is { fastify: FastifyInstance } {
  return typeof message === 'object' && message !== null && 'fastify' in message
}

/** The operations that do not answer the actor with this error. */
async function notRefusing(actor: Actor, operations: Operation[], status: number, code: string): Promise<string[]> {
  const names: string[] = []
  for (const { method, path } of operations) {
    const answer = await actor.request(method, path)
    const body = await answer.text()
    const refused = answer.status === status
    // A HEAD response has no body; every other refusal carries the error code.
    if (!refused || (method !== 'HEAD' && parse(ErrorBody, body).code !== code))
      names.push(`${method} ${path}: ${answer.status}${answer.status < 500 ? '' : ` ${body}`}`)
  }
  return names.sort()
}

t.test('access to routes', async (t) => {
  // Seed the folder before subscribing: seeding starts another service in this process.
  await copySeededDataDir(await temporaryFolder(t))
  subscribe('fastify.initialization', onInstance)
  t.teardown(() => unsubscribe('fastify.initialization', onInstance))
  const service = await startService(t, { ...peopleEnvironment, RATE_LIMIT_ANONYMOUS: '1000' })
  const { app, url } = service
  const operations = tables.get(app) ?? []
  const isPublic = ({ route }: Operation) => route.config?.public === true
  const visitor = new Actor(url)
  const student = await register(url, 'student')

  await t.test('a route that is not public in its config refuses visitors', async (t) => {
    const closed = operations.filter((operation) => !isPublic(operation))
    t.ok(operations.length - closed.length > 30 && closed.length > 30, 'the table of routes is complete')
    const found = await notRefusing(visitor, closed, 401, 'NOT_SIGNED_IN')
    t.strictSame(found, ['GET /early: 200', 'HEAD /early: 200', 'OPTIONS /x: 404'])
    const preflight = await visitor.request('OPTIONS', '/api/v1/users/me')
    t.same([preflight.status, await preflight.text()], [204, ''], 'OPTIONS has no body')
  })

  await t.test('a route that requires a role refuses users with another role', async (t) => {
    const forAdmins = operations.filter(({ route }) => route.config?.role === 'admin')
    t.ok(forAdmins.length > 8)
    t.strictSame(forAdmins.filter(isPublic), [], 'a role and `public` contradict each other')
    t.strictSame(await notRefusing(student, forAdmins, 403, 'ADMINS_ONLY'), [])
    t.equal((await (await admin(service)).get('/api/v1/users')).status, 200)
  })

  await t.test('a session is enough where no role is required', async (t) => {
    t.equal((await student.get('/api/v1/users/me')).status, 200)
  })

  await t.test('the rate limit counts refused requests, and access is checked before the input', async (t) => {
    const left = async () => {
      const answer = await visitor.request('PATCH', '/api/v1/courses/no-id?foo=1', { status: 1 })
      t.equal(answer.status, 401)
      return Number(answer.headers.get('x-ratelimit-remaining'))
    }
    t.equal((await left()) - (await left()), 1)
  })

  await t.test('signing out needs no session', async (t) => {
    t.equal((await visitor.request('POST', '/api/v1/auth/logout')).status, 204)
  })
})
