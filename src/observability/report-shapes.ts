import { type Static, type TSchema, Type } from 'typebox'
import { DATA_PREFIXES } from '#cache'
import { Clearing, Counts, InvalidationNote, ProcessBeat, RedisNode, SlowCommand } from './shapes.ts'

const count = Type.Integer({ minimum: 0 })
const text = Type.String()
const time = Type.String({ format: 'date-time' })
const ms = Type.Number({ minimum: 0 })
const ratio = Type.Union([Type.Number({ minimum: 0, maximum: 1 }), Type.Null()], {
  description: 'hits of hits and misses; null where there was neither'
})

/** Null says that nobody knows. */
function orNull<T extends TSchema>(schema: T, description?: string) {
  return Type.Union([schema, Type.Null()], description === undefined ? {} : { description })
}

/** Whether the cache asks Redis, as the process sees it that was asked. */
export const StoreState = Type.Object({
  state: Type.Enum(['embedded', 'trusted', 'not-trusted'], { type: 'string' }),
  since: time,
  reason: orNull(text, 'why it is not trusted')
})
export type StoreState = Static<typeof StoreState>

/** What was read in a span of time. */
export const HistoryItem = Type.Object({
  at: time,
  ...Counts.properties,
  opsPerSecond: orNull(Type.Number({ minimum: 0 }), 'of all servers, on average; null where none was asked'),
  usedBytes: orNull(count, 'the same'),
  requests: orNull(count, 'that the service has answered; null where no process has told')
})
export type HistoryItem = Static<typeof HistoryItem>

/** How one route did. */
export const RouteReport = Type.Object({
  method: text,
  route: Type.String({ description: 'as `/api/v1/courses/:id`; `none` for paths without a route' }),
  requests: count,
  errors: Type.Integer({ minimum: 0, description: 'answered by 500 or above' }),
  p50Ms: orNull(ms, 'null where all were streams'),
  p95Ms: orNull(ms),
  p99Ms: orNull(ms),
  cached: ratio
})
export type RouteReport = Static<typeof RouteReport>

/** A generation that is not over. */
export const RunningGeneration = Type.Object({
  id: Type.String({ format: 'uuid' }),
  topic: text,
  user: Type.Object({ id: Type.Integer(), name: text }),
  status: Type.Enum(['queued', 'running'], { type: 'string' }),
  percent: Type.Integer({ minimum: 0, maximum: 100 }),
  startedAt: Type.String({ format: 'date-time', description: 'when it was asked for' })
})

export const GenerationsReport = Type.Object({
  counts: Type.Object({ queued: count, running: count, completed: count, failed: count, cancelled: count }),
  running: Type.Array(RunningGeneration, { description: 'at most 20 that are not over, those that run first' })
})
export type GenerationsReport = Static<typeof GenerationsReport>

/** What the cache does, in all processes. */
export const CacheReport = Type.Object({
  at: time,
  mode: Type.Enum(['redis', 'embedded'], { type: 'string' }),
  scope: Type.Enum(['all', 'process'], {
    type: 'string',
    description:
      'whose figures these are: `process` is that which was asked, alone, while Redis does not tell of the others'
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
    { description: 'of the last hour' }
  ),
  history: Type.Array(HistoryItem, { description: 'the last hour by minute, the oldest first' }),
  keysCountedAt: orNull(time),
  nodes: Type.Array(RedisNode),
  slowLog: Type.Array(SlowCommand),
  processes: Type.Array(
    Type.Object(
      {
        ...ProcessBeat.properties,
        version: orNull(text, 'null: one of before they told it'),
        commit: orNull(text),
        generations: orNull(Type.Object({ running: count, concurrency: count }), 'null where it runs none')
      },
      { title: 'Process' }
    )
  ),
  outbox: Type.Object({
    depth: orNull(count, 'invalidations that Redis does not know of yet; null while the database does not answer')
  }),
  lastClearing: orNull(Clearing),
  invalidations: Type.Array(InvalidationNote, { description: 'the last 50, the newest first' }),
  routes: Type.Array(RouteReport, { description: 'of the last hour, the busiest first, at most 50' }),
  generations: orNull(GenerationsReport, 'null while the database does not answer'),
  sessions: orNull(
    Type.Object({ active: Type.Integer({ minimum: 0, description: 'counted up to 10,000' }) }),
    'null while the database does not answer'
  )
})
export type CacheReport = Static<typeof CacheReport>

/** What an admin is shown, and how he came in. */
export const AdminReport = Type.Object(
  {
    ...CacheReport.properties,
    access: Type.Enum(['session', 'link'], {
      type: 'string',
      description: '`link`: by `npm run admin-link`, which only reads'
    })
  },
  { title: 'CacheReport' }
)
