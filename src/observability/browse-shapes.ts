import { type Static, Type } from 'typebox'
import { DATA_PREFIXES, MAX_KEY_LENGTH, MAX_PATTERN_LENGTH } from '#cache'
import { queryOf } from '#http/paging.ts'
import { HistoryItem } from './report-shapes.ts'
import { KeyMemory } from './shapes.ts'

const count = Type.Integer({ minimum: 0 })
const bytes = Type.Union([count, Type.Null()], {
  description: 'what it takes in the store; null where that cannot be told'
})
const ttlS = Type.Union([count, Type.Null()], { description: 'how much longer it is kept, in seconds; null: for ever' })

/** What is left of a TTL in ms, as `ttlS` has it. */
export function inSeconds(ttlMs: number | null): number | null {
  return ttlMs === null ? null : Math.ceil(ttlMs / 1000)
}

export const Pattern = Type.String({
  minLength: 1,
  maxLength: MAX_PATTERN_LENGTH,
  description: 'a Redis glob over cached data, as `course:*` or `user:123:*`'
})

export const HistoryQuery = queryOf({
  hours: Type.Integer({ minimum: 1, maximum: 24, default: 1, description: 'up to now' })
})
export const CacheHistory = Type.Object(
  {
    stepS: Type.Integer({ description: 'the seconds of each item: 60 for up to five hours, else 300' }),
    items: Type.Array(HistoryItem, { description: 'the oldest first; the last one has just begun' })
  },
  { title: 'CacheHistory' }
)
export type CacheHistory = Static<typeof CacheHistory>

export const KeysQuery = queryOf({
  pattern: Type.Optional(Pattern),
  cursor: Type.Optional(
    Type.String({ minLength: 1, maxLength: MAX_KEY_LENGTH, description: '`nextCursor` of before' })
  ),
  limit: Type.Integer({
    minimum: 1,
    maximum: 500,
    default: 100,
    description: 'about how many; a page may have more, and fewer, even none, while there are further ones'
  })
})
export const KeyPage = Type.Object(
  {
    items: Type.Array(Type.Object({ key: Type.String(), bytes, ttlS })),
    nextCursor: Type.Union([Type.String(), Type.Null()], { description: 'null after the last' })
  },
  { title: 'CacheKeyPage' }
)

export const CacheMemory = Type.Object(
  {
    at: Type.Union([Type.String({ format: 'date-time' }), Type.Null()], {
      description: 'when keys were weighed, in the background; null before the first time'
    }),
    ...KeyMemory.properties
  },
  { title: 'CacheMemory' }
)
export type CacheMemory = Static<typeof CacheMemory>

/** Of cached data, without the prefix of the deployment. */
export const EntryQuery = queryOf({
  key: Type.String({
    maxLength: MAX_KEY_LENGTH,
    pattern: `^(${DATA_PREFIXES.join('|')}):[A-Za-z0-9:_.-]+$`,
    description: 'of cached data, as `course:42:modules`'
  })
})
export const CacheEntry = Type.Object(
  {
    key: Type.String(),
    value: Type.String({ description: 'as it is stored: JSON as a rule' }),
    truncated: Type.Boolean({ description: '`value` is the beginning, of 65,536 characters' }),
    missing: Type.Boolean({ description: 'it is known that there is no such thing, and `value` says what' }),
    bytes,
    ttlS,
    storedAt: Type.Union([Type.String({ format: 'date-time' }), Type.Null()], {
      description: 'null where a version of the service has stored it that did not write this down'
    }),
    tags: Type.Array(Type.Object({ tag: Type.String(), current: Type.Boolean() }), {
      description: 'what it depends on, and whether that is as it was when it was loaded'
    }),
    valid: Type.Boolean({ description: 'false: it will not be served again' })
  },
  { title: 'CacheEntry' }
)
