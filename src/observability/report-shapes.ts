import { type Static, type TSchema, Type } from 'typebox'
import { DATA_PREFIXES } from '#cache'
import { Clearing, Counts, Heartbeat, InvalidationNote, RedisNode, SlowCommand } from './shapes.ts'

const count = Type.Integer({ minimum: 0 })
const text = Type.String()
const time = Type.String({ format: 'date-time' })
const ms = Type.Number({ minimum: 0 })
const ratio = Type.Union([Type.Number({ minimum: 0, maximum: 1 }), Type.Null()], {
  description: 'hits divided by hits and misses; null if there were neither'
})

/** Null means unknown. */
function orNull<T extends TSchema>(schema: T, description?: string) {
  return Type.Union([schema, Type.Null()], description === undefined ? {} : { description })
}

/** Whether the cache uses Redis, according to the process that answers. */
export const StoreState = Type.Object({
  state: Type.Enum(['embedded', 'trusted', 'not-trusted'], { type: 'string' }),
  since: time,
  reason: orNull(text, 'why it is not trusted')
})
export type StoreState = Static<typeof StoreState>

/** The reads in a span of time. */
export const HistoryItem = Type.Object({
  at: time,
  ...Counts.properties,
  opsPerSecond: orNull(Type.Number({ minimum: 0 }), 'average of all servers together; null if none was sampled'),
  usedBytes: orNull(count, 'average of all servers together; null if none was sampled'),
  requests: orNull(count, 'requests answered by the service; null if no process reported')
})
export type HistoryItem = Static<typeof HistoryItem>

/** The requests of one route. */
export const RouteReport = Type.Object({
  method: text,
  route: Type.String({ description: 'such as `/api/v1/courses/:id`; `none` for paths without a route' }),
  requests: count,
  errors: Type.Integer({ minimum: 0, description: 'answers with a status of 500 or above' }),
  p50Ms: orNull(ms, 'null if all requests were streams'),
  p95Ms: orNull(ms),
  p99Ms: orNull(ms),
  cached: ratio
})
export type RouteReport = Static<typeof RouteReport>

/** An unfinished generation. */
export const RunningGeneration = Type.Object({
  id: Type.String({ format: 'uuid' }),
  topic: text,
  user: Type.Object({ id: Type.Integer(), name: text }),
  status: Type.Enum(['queued', 'running'], { type: 'string' }),
  percent: Type.Integer({ minimum: 0, maximum: 100 }),
  startedAt: Type.String({ format: 'date-time', description: 'when it was requested' })
})

export const GenerationsReport = Type.Object({
  counts: Type.Object({ queued: count, running: count, completed: count, failed: count, cancelled: count }),
  running: Type.Array(RunningGeneration, { description: 'at most 20 unfinished ones, running ones first' })
})
export type GenerationsReport = Static<typeof GenerationsReport>

/** The state of the cache in all processes. */
export const CacheReport = Type.Object({
  at: time,
  mode: Type.Enum(['redis', 'embedded'], { type: 'string' }),
  scope: Type.Enum(['all', 'process'], {
    type: 'string',
    description:
      '`process`: the counts are only those of the process that answers, while those of the others cannot be read from Redis'
  }),
  store: StoreState,
  hitRatio: Type.Object({ now: ratio, hour: ratio, goal: Type.Number() }),
  prefixes: Type.Array(
    Type.Object({
      prefix: Type.Enum([...DATA_PREFIXES], { type: 'string' }),
      ...Counts.properties,
      hitRatio: ratio,
      keys: orNull(count)
    }),
    { description: 'counts of the last hour' }
  ),
  history: Type.Array(HistoryItem, { description: 'the last hour by minute, oldest first' }),
  keysCountedAt: orNull(time),
  nodes: Type.Array(RedisNode),
  slowLog: Type.Array(SlowCommand),
  processes: Type.Array(
    Type.Object(
      {
        ...Heartbeat.properties,
        version: orNull(text, 'null for a process of an older version'),
        commit: orNull(text),
        generations: orNull(Type.Object({ running: count, concurrency: count }), 'null if it runs none')
      },
      { title: 'Process' }
    )
  ),
  outbox: Type.Object({
    depth: orNull(count, 'invalidations that have not reached Redis yet; null while the database does not answer')
  }),
  lastClearing: orNull(Clearing),
  invalidations: Type.Array(InvalidationNote, { description: 'the last 50, newest first' }),
  routes: Type.Array(RouteReport, { description: 'the routes of the last hour, busiest first, at most 50' }),
  generations: orNull(GenerationsReport, 'null while the database does not answer'),
  sessions: orNull(
    Type.Object({ active: Type.Integer({ minimum: 0, description: 'counted up to 10,000' }) }),
    'null while the database does not answer'
  )
})
export type CacheReport = Static<typeof CacheReport>

/** The report as shown to an admin, with the way of access. */
export const AdminReport = Type.Object(
  {
    ...CacheReport.properties,
    access: Type.Enum(['session', 'link'], {
      type: 'string',
      description: '`link`: by `npm run admin-link`, which allows reading only'
    })
  },
  { title: 'CacheReport' }
)
