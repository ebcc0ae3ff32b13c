import { type Static, Type } from 'typebox'
import { DATA_PREFIXES, MAX_KEY_LENGTH, MAX_PATTERN_LENGTH } from '#cache'
import { queryOf } from '#http/paging.ts'
import { HistoryItem } from './report-shapes.ts'
import { KeyMemory } from './shapes.ts'

const count = Type.Integer({ minimum: 0 })
const bytes = Type.Union([count, Type.Null()], {
  description: 'size in the store; null if unknown'
})
const ttlS = Type.Union([count, Type.Null()], { description: 'remaining TTL in seconds; null: no TTL' })

/** Converts a remaining TTL in ms to the field `ttlS`. */
export function inSeconds(ttlMs: number | null): number | null {
  return ttlMs === null ? null : Math.ceil(ttlMs / 1000)
}

export const Pattern = Type.String({
  minLength: 1,
  maxLength: MAX_PATTERN_LENGTH,
  description: 'a Redis glob over cached data, such as `course:*` or `user:123:*`'
})

export const HistoryQuery = queryOf({
  hours: Type.Integer({ minimum: 1, maximum: 24, default: 1, description: 'the last hours, up to now' })
})
export const CacheHistory = Type.Object(
  {
    stepS: Type.Integer({ description: 'seconds per item: 60 for up to five hours, else 300' }),
    items: Type.Array(HistoryItem, { description: 'oldest first; the last one is still running' })
  },
  { title: 'CacheHistory' }
)
export type CacheHistory = Static<typeof CacheHistory>

export const KeysQuery = queryOf({
  pattern: Type.Optional(Pattern),
  cursor: Type.Optional(
    Type.String({ minLength: 1, maxLength: MAX_KEY_LENGTH, description: '`nextCursor` of the previous page' })
  ),
  limit: Type.Integer({
    minimum: 1,
    maximum: 500,
    default: 100,
    description: 'approximate: a page may have more or fewer items, even none, before the last page'
  })
})
export const KeyPage = Type.Object(
  {
    items: Type.Array(Type.Object({ key: Type.String(), bytes, ttlS })),
    nextCursor: Type.Union([Type.String(), Type.Null()], { description: 'null on the last page' })
  },
  { title: 'CacheKeyPage' }
)

export const CacheMemory = Type.Object(
  {
    at: Type.Union([Type.String({ format: 'date-time' }), Type.Null()], {
      description: 'when key sizes were last measured, in the background; null before the first time'
    }),
    ...KeyMemory.properties
  },
  { title: 'CacheMemory' }
)
export type CacheMemory = Static<typeof CacheMemory>

/** A key of cached data, without the prefix of the deployment. */
export const EntryQuery = queryOf({
  key: Type.String({
    maxLength: MAX_KEY_LENGTH,
    pattern: `^(${DATA_PREFIXES.join('|')}):[A-Za-z0-9:_.-]+$`,
    description: 'a key of cached data, such as `course:42:modules`'
  })
})
export const CacheEntry = Type.Object(
  {
    key: Type.String(),
    value: Type.String({ description: 'as stored: usually JSON' }),
    truncated: Type.Boolean({ description: 'whether `value` has only the first 65,536 characters' }),
    missing: Type.Boolean({ description: 'a cached 404: `value` names what does not exist' }),
    bytes,
    ttlS,
    storedAt: Type.Union([Type.String({ format: 'date-time' }), Type.Null()], {
      description: 'null if an older version of the service stored it, which did not record this'
    }),
    tags: Type.Array(Type.Object({ tag: Type.String(), current: Type.Boolean() }), {
      description: 'what it depends on, and whether that is unchanged since it was loaded'
    }),
    valid: Type.Boolean({ description: 'false: it will not be served again' })
  },
  { title: 'CacheEntry' }
)
