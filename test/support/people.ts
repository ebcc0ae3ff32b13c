import { Redis } from 'ioredis'
import type { Test } from 'tap'
import type { Static, TSchema } from 'typebox'
import { Type } from 'typebox'
import type { Environment } from '#config/environment.ts'
import { peopleEnvironment } from './actors.ts'
import { CourseItem, parse } from './contract.ts'
import { PostgresServer } from './postgres.ts'
import { RedisServer } from './redis.ts'
import type { ServerProcess } from './server-process.ts'
import { spawnService } from './service.ts'

/** The shapes of users in the HTTP contract, written from its document. */

const id = Type.Integer({ minimum: 1 })
const count = Type.Integer({ minimum: 0 })
const time = Type.String({ pattern: '^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d(\\.\\d+)?Z$' })
const exact = { additionalProperties: false }

const user = {
  id,
  name: Type.String(),
  bio: Type.String(),
  avatarUrl: Type.Union([Type.String(), Type.Null()]),
  createdAt: time
}
export const User = Type.Object(user, exact)
export const OwnUser = Type.Object(
  { ...user, email: Type.String(), emailVerified: Type.Boolean(), role: Type.Enum(['student', 'author', 'admin']) },
  exact
)
export const SessionList = Type.Object(
  {
    items: Type.Array(
      Type.Object(
        { id, device: Type.String(), network: Type.String(), begunAt: time, lastUsedAt: time, current: Type.Boolean() },
        exact
      )
    )
  },
  exact
)
export const SessionUser = Type.Object({ user: OwnUser }, exact)

export const Progress = Type.Object(
  {
    courseId: id,
    completedChapterIds: Type.Array(id),
    completed: count,
    total: count,
    percent: Type.Integer({ minimum: 0, maximum: 100 }),
    updatedAt: time
  },
  exact
)
export const ProgressList = Type.Object({ items: Type.Array(Progress) }, exact)
export const EnrolledCoursePage = Type.Object(
  {
    items: Type.Array(Type.Object({ ...CourseItem.properties, progress: Progress }, exact)),
    page: id,
    limit: id,
    total: count,
    pages: count
  },
  exact
)

export const OwnEnrollment = Type.Object(
  { courseId: id, enrolled: Type.Boolean(), progress: Type.Union([Progress, Type.Null()]) },
  exact
)
export const StudentPage = Type.Object(
  {
    items: Type.Array(
      Type.Object({ user: User, enrolledAt: time, percent: Type.Integer({ minimum: 0, maximum: 100 }) }, exact)
    ),
    page: id,
    limit: id,
    total: count,
    pages: count
  },
  exact
)

/** The body of an answer that has this status and exactly this shape. */
export async function bodyOf<const T extends TSchema>(shape: T, answer: Response, status = 200): Promise<Static<T>> {
  const text = await answer.text()
  if (answer.status !== status) throw new Error(`${answer.url} answered ${answer.status}, not ${status}: ${text}`)
  return parse(shape, text)
}

/** The status; the body is read, so that its connection is free. */
export async function statusOf(answer: Promise<Response>): Promise<number> {
  const response = await answer
  await response.arrayBuffer()
  return response.status
}

export interface Stack {
  readonly redis: RedisServer
  readonly postgres: PostgresServer
  /** The environment of a service on both, without limits and with an admin. */
  readonly env: Environment
}

/** Starts a Redis and a PostgreSQL for the test, but no service. */
export async function startStack(t: Test, ...redisOptions: string[]): Promise<Stack> {
  const redis = await RedisServer.start(...redisOptions)
  t.teardown(() => redis.stop())
  const postgres = await PostgresServer.start()
  t.teardown(() => postgres.stop())
  const env = {
    ...peopleEnvironment,
    REDIS_URL: redis.url,
    DATABASE_URL: await postgres.createDatabase('seeded'),
    SEED: 'demo'
  }
  return { redis, postgres, env: { ...env, SESSION_SECRET: 'the secret of the tests is long enough' } }
}

/** The service as a separate process, stopped with the test. */
export async function spawnFor(t: Test, env: Environment): Promise<ServerProcess & { url: string }> {
  const service = await spawnService(env)
  t.teardown(() => service.kill('SIGKILL'))
  return service
}

/** A Redis client that bypasses the service. */
export function lookInto(t: Test, { url }: RedisServer): Redis {
  const redis = new Redis(url)
  redis.on('error', () => {})
  t.teardown(() => redis.disconnect())
  return redis
}

/** Retries until the condition holds; resolves to false if it never does. */
export async function eventually(holds: () => Promise<boolean>, withinMs = 5000): Promise<boolean> {
  const end = Date.now() + withinMs
  while (!(await holds())) {
    if (Date.now() > end) return false
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  return true
}
