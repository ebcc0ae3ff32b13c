import { type Static, Type } from 'typebox'
import { DATA_PREFIXES } from '#cache'

const count = Type.Integer({ minimum: 0 })
const text = Type.String()
const time = Type.String({ format: 'date-time' })
const ratio = Type.Union([Type.Number({ minimum: 0, maximum: 1 }), Type.Null()], {
  description: 'hits of hits and misses; null where there was neither'
})
const Prefix = Type.Enum([...DATA_PREFIXES], { type: 'string' })

/** What was read, of one prefix or of all. */
export const Counts = Type.Object({
  hits: count,
  misses: count,
  stale: count,
  bypassed: Type.Integer({ minimum: 0, description: 'answered without Redis, which was not trusted' })
})
export type Counts = Static<typeof Counts>

/** What one process tells the others of itself, every few seconds. */
export const ProcessBeat = Type.Object(
  {
    id: text,
    role: Type.Enum(['api', 'worker'], { type: 'string' }),
    host: text,
    pid: count,
    startedAt: time,
    at: time,
    rssBytes: count,
    l1: Type.Object({ bytes: count, count }),
    trusted: Type.Boolean({ description: 'whether it asks Redis: the state of its circuit breaker' }),
    invalidations: count,
    sweeper: Type.Object({
      swept: Type.Integer({ minimum: 0, description: 'invalidations of other writers that it applied' }),
      failing: Type.Boolean()
    }),
    store: Type.Object({ answers: count, errors: count, meanMs: Type.Number() })
  },
  { title: 'ProcessBeat' }
)
export type ProcessBeat = Static<typeof ProcessBeat>

/** What one Redis server says of itself. */
export const RedisNode = Type.Object({
  address: text,
  version: text,
  role: text,
  uptimeS: count,
  usedBytes: count,
  maxBytes: Type.Integer({ minimum: 0, description: '0: no limit' }),
  evictionPolicy: text,
  evictedKeys: count,
  expiredKeys: count,
  opsPerSecond: count,
  clients: count,
  keys: count
})
export type RedisNode = Static<typeof RedisNode>

export const SlowCommand = Type.Object({
  at: time,
  ms: Type.Number(),
  command: Type.String({ description: 'its name, and what its key begins with' })
})
export type SlowCommand = Static<typeof SlowCommand>

/** How many keys there are, counted in the background. */
export const KeyCounts = Type.Object({ at: time, ms: count, prefixes: Type.Record(Type.String(), count) })
export type KeyCounts = Static<typeof KeyCounts>

/** What the admin page shows. */
export const CacheReport = Type.Object(
  {
    at: time,
    mode: Type.Enum(['redis', 'embedded'], { type: 'string' }),
    hitRatio: Type.Object({ now: ratio, hour: ratio, goal: Type.Number() }),
    prefixes: Type.Array(
      Type.Object({ prefix: Prefix, ...Counts.properties, hitRatio: ratio, keys: Type.Union([count, Type.Null()]) }),
      { description: 'of the last hour' }
    ),
    history: Type.Array(Type.Object({ at: time, ...Counts.properties }), {
      description: 'by minute, the oldest first'
    }),
    keysCountedAt: Type.Union([time, Type.Null()]),
    nodes: Type.Array(RedisNode),
    slowLog: Type.Array(SlowCommand),
    processes: Type.Array(ProcessBeat),
    outbox: Type.Object({
      depth: Type.Union([Type.Integer({ minimum: 0 }), Type.Null()], {
        description: 'invalidations that Redis does not know of yet; null while the database does not answer'
      })
    })
  },
  { title: 'CacheReport' }
)
export type CacheReport = Static<typeof CacheReport>
