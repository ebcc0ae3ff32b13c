import { type Static, Type } from 'typebox'

const count = Type.Integer({ minimum: 0 })
const text = Type.String()
/** What comes from Redis is shown by browsers: they know no 60th second. */
const time = Type.String({ format: 'date-time', pattern: ':[0-5]\\d(\\.\\d+)?Z$' })

/** What was read, of one prefix or of all. */
export const Counts = Type.Object({
  hits: count,
  misses: count,
  stale: count,
  bypassed: Type.Integer({ minimum: 0, description: 'answered without Redis, which was not trusted' })
})
export type Counts = Static<typeof Counts>

const GenerationRuns = Type.Object(
  { running: count, concurrency: Type.Integer({ minimum: 0, description: 'how many it runs at a time, at most' }) },
  { description: 'of a process that runs generations' }
)
export type GenerationRuns = Static<typeof GenerationRuns>

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
    store: Type.Object({ answers: count, errors: count, meanMs: Type.Number() }),
    // Processes of the version before do not tell these.
    version: Type.Optional(text),
    commit: Type.Optional(Type.Union([text, Type.Null()])),
    generations: Type.Optional(Type.Union([GenerationRuns, Type.Null()]))
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

/** What keys take, by those that were weighed. */
export const KeyMemory = Type.Object({
  sampled: Type.Integer({ minimum: 0, description: 'how many keys were weighed' }),
  prefixes: Type.Array(
    Type.Object({
      prefix: text,
      keys: count,
      bytes: Type.Union([count, Type.Null()], {
        description: 'of all its keys, estimated; null where none was weighed'
      })
    })
  ),
  largest: Type.Array(Type.Object({ key: text, bytes: count }), {
    description: 'of those that were weighed, at most 20'
  })
})
export type KeyMemory = Static<typeof KeyMemory>

/** How many keys there are, counted in the background. */
export const KeyCounts = Type.Object({
  at: time,
  ms: count,
  prefixes: Type.Record(Type.String(), count),
  // Processes of the version before do not weigh.
  memory: Type.Optional(KeyMemory)
})
export type KeyCounts = Static<typeof KeyCounts>

/** Who cleared what of the cache. */
export const Clearing = Type.Object({
  at: time,
  by: Type.String({ description: 'an admin by his e-mail address, or who has used the command line' }),
  pattern: Type.String({ description: '`all`, or a Redis glob' }),
  deleted: count
})
export type Clearing = Static<typeof Clearing>

/** Tags that were invalidated together, by one commit as a rule. */
export const InvalidationNote = Type.Object({
  at: time,
  tags: Type.Array(text, { description: 'the first of them' }),
  tagCount: Type.Integer({ minimum: 1, description: 'how many there were' }),
  by: Type.Union([text, Type.Null()], {
    description:
      'whose write it was, as `user:7`; `outside` for one that was not of the service; null where nobody knows'
  }),
  process: Type.String({ description: 'that has told Redis: its host and its number there' })
})
export type InvalidationNote = Static<typeof InvalidationNote>
