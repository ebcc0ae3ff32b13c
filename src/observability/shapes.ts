import { type Static, Type } from 'typebox'

const count = Type.Integer({ minimum: 0 })
const text = Type.String()
/** Stricter than the format, because values from Redis are shown by browsers, which do not accept a leap second. */
const time = Type.String({ format: 'date-time', pattern: ':[0-5]\\d(\\.\\d+)?Z$' })

/** Counts of reads, of one prefix or of all. */
export const Counts = Type.Object({
  hits: count,
  misses: count,
  stale: count,
  bypassed: Type.Integer({ minimum: 0, description: 'answered without Redis while it was not trusted' })
})
export type Counts = Static<typeof Counts>

const GenerationRuns = Type.Object(
  { running: count, concurrency: Type.Integer({ minimum: 0, description: 'the most it runs at a time' }) },
  { description: 'for a process that runs generations' }
)
export type GenerationRuns = Static<typeof GenerationRuns>

/** The state that each process publishes every few seconds. */
export const Heartbeat = Type.Object(
  {
    id: text,
    role: Type.Enum(['api', 'worker'], { type: 'string' }),
    host: text,
    pid: count,
    startedAt: time,
    at: time,
    rssBytes: count,
    l1: Type.Object({ bytes: count, count }),
    trusted: Type.Boolean({ description: 'whether it uses Redis: the state of its circuit breaker' }),
    invalidations: count,
    sweeper: Type.Object({
      swept: Type.Integer({ minimum: 0, description: 'invalidations of other writers that it applied' }),
      failing: Type.Boolean()
    }),
    store: Type.Object({ answers: count, errors: count, meanMs: Type.Number() }),
    // Processes of older versions do not send these.
    version: Type.Optional(text),
    commit: Type.Optional(Type.Union([text, Type.Null()])),
    generations: Type.Optional(Type.Union([GenerationRuns, Type.Null()]))
  },
  { title: 'Heartbeat' }
)
export type Heartbeat = Static<typeof Heartbeat>

/** The state of one Redis server. */
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
  command: Type.String({ description: 'its name, and the beginning of its key' })
})
export type SlowCommand = Static<typeof SlowCommand>

/** Memory of the keys, estimated from a sample. */
export const KeyMemory = Type.Object({
  sampled: Type.Integer({ minimum: 0, description: 'how many keys were measured' }),
  prefixes: Type.Array(
    Type.Object({
      prefix: text,
      keys: count,
      bytes: Type.Union([count, Type.Null()], {
        description: 'estimated size of all its keys; null if none was measured'
      })
    })
  ),
  largest: Type.Array(Type.Object({ key: text, bytes: count }), {
    description: 'the largest of the measured keys, at most 20'
  })
})
export type KeyMemory = Static<typeof KeyMemory>

/** The number of keys, counted in the background. */
export const KeyCounts = Type.Object({
  at: time,
  ms: count,
  prefixes: Type.Record(Type.String(), count),
  // Processes of older versions do not measure.
  memory: Type.Optional(KeyMemory)
})
export type KeyCounts = Static<typeof KeyCounts>

/** A clearing of the cache: who cleared what. */
export const Clearing = Type.Object({
  at: time,
  by: Type.String({ description: 'the e-mail address of an admin, or the user of the command line' }),
  pattern: Type.String({ description: '`all`, or a Redis glob' }),
  deleted: count
})
export type Clearing = Static<typeof Clearing>

/** Tags that were invalidated together, usually by one commit. */
export const InvalidationNote = Type.Object({
  at: time,
  tags: Type.Array(text, { description: 'the first tags' }),
  tagCount: Type.Integer({ minimum: 1, description: 'the number of all tags' }),
  by: Type.Union([text, Type.Null()], {
    description: 'the author of the write, such as `user:7`; `outside` for a write by another program; null if unknown'
  }),
  process: Type.String({ description: 'host and process id of the process that applied it to Redis' })
})
export type InvalidationNote = Static<typeof InvalidationNote>
