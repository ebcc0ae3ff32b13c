import t from 'tap'
import { ownKeys } from '#cached-data/own-keys.ts'
import { assertKey, type CacheSpec, isDataKey, lockKey, stampKey } from '../../src/cache/keys.ts'
import { specs, tags } from '../support/cached-data.ts'

const MINUTE = 60_000
const UUID = '0191f6a2-7b0c-7def-8a4e-1c2d3e4f5a6b'

const DOCUMENTED: [name: string, spec: CacheSpec, key: string, ttlMs: number, tags: string[], strict: boolean][] = [
  ['a course', specs.course(42), 'course:42', 30 * MINUTE, ['course:42'], false],
  ['its modules', specs.courseModules(42), 'course:42:modules', 30 * MINUTE, ['course:42'], false],
  ['a chapter', specs.chapter(42, 7), 'course:42:chapter:7', 30 * MINUTE, ['course:42'], false],
  ['the categories', specs.categories(), 'api:categories', 30 * MINUTE, ['categories'], false],
  ['a profile', specs.profile(7), 'user:7:profile', 15 * MINUTE, ['user:7'], true],
  ['an account, cached per process', specs.account(7), 'user:7:account', MINUTE / 12, ['user:7'], true],
  ['progress', specs.progress(7, 42), 'user:7:progress:42', 15 * MINUTE, ['user:7:progress'], true],
  ['a generation', specs.generation(UUID), `generation:${UUID}`, 120 * MINUTE, [`generation:${UUID}`], true],
  [
    'its finished chapters',
    specs.generationChapters(UUID),
    `generation:${UUID}:chapters`,
    60 * MINUTE,
    [`generation:${UUID}`],
    true
  ],
  ['the statistics', specs.overview(), 'stats:overview', 5 * MINUTE, [], false]
]

for (const [name, spec, key, ttlMs, tags, strict] of DOCUMENTED) {
  t.test(`${name}: ${key} for ${ttlMs / MINUTE} minutes`, async (t) => {
    t.equal(spec.key, key)
    t.equal(spec.ttlMs, ttlMs)
    for (const tag of tags) t.ok(spec.tags.includes(tag), tag)
    if (tags.length === 0) t.same(spec.tags, [], 'no write invalidates it')
    t.equal(spec.strict ?? false, strict, 'data of a user is strict')
    assertKey(spec.key)
    t.ok(isDataKey(spec.key), 'the key counts as data that operators may clear')
  })
}

t.test('a search', async (t) => {
  const spec = specs.courseList({ page: 1, limit: 20, search: 'Ёж "*" \n {x}' })
  t.match(spec.key, /^api:courses:[\w-]{16,}$/, 'the key contains no text of the query')
  t.equal(spec.ttlMs, 10 * MINUTE)
  t.same([...spec.tags].sort(), ['categories', 'courses', 'search'])
  t.same([...specs.courseList({ page: 1 }).tags].sort(), ['categories', 'courses'], 'a list without a search')
  t.ok(specs.courseList({ search: 'x'.repeat(100_000) }).key.length < 100)
})

t.test('equivalent queries share a key', async (t) => {
  const { key } = specs.courseList({ page: 1, limit: 20, search: 'sql' })
  t.equal(specs.courseList({ search: 'sql', limit: 20, page: 1 }).key, key)
  t.equal(specs.courseList({ page: 1, limit: 20, search: 'sql', level: undefined }).key, key)
})

t.test('different queries have different keys', async (t) => {
  const queries = [
    ...[
      {},
      { page: 1 },
      { page: 2 },
      { page: 11 },
      { limit: 1 },
      { page: 1, limit: 1 },
      { search: '' },
      { search: '1' }
    ],
    ...[
      { level: 'sql' },
      { search: 'sql' },
      { search: 'sql"],["level":"x' },
      { search: 'sql', level: 'x' },
      { author: 1 }
    ]
  ]
  t.equal(new Set(queries.map((query) => specs.courseList(query).key)).size, queries.length)
})

t.test('users share no keys, and neither do courses', async (t) => {
  const keys = [1, 2, 12, 21, 112].flatMap((id) => [
    ...[specs.profile(id).key, specs.course(id).key, specs.courseModules(id).key, specs.chapter(id, 1).key],
    ...[specs.progress(id, 1).key, specs.progress(1, 100 + id).key, specs.chapter(1, 100 + id).key]
  ])
  t.equal(new Set(keys).size, keys.length)
})

t.test('a key has at most 512 bytes of a fixed alphabet', async (t) => {
  const good = ['course:42', 'a', 'A-Z_a.z:0-9', 'x'.repeat(512)]
  for (const key of good) t.doesNotThrow(() => assertKey(key), key.slice(0, 20))
  const bad = [
    '',
    'x'.repeat(513),
    'a b',
    'a\n',
    '\na',
    'a*',
    'a?',
    '[a]',
    'a\\b',
    'ключ',
    'a\u0000',
    'a/b',
    'a"b',
    'é'
  ]
  for (const key of bad) t.throws(() => assertKey(key), RangeError, JSON.stringify(key.slice(0, 20)))
})

t.test('ownKeys returns the documented keys of an entity', async (t) => {
  t.same(ownKeys(tags.course(42)).sort(), ['course:42', 'course:42:modules'])
  t.same(ownKeys(tags.user(7)), ['user:7:profile'])
  t.same(ownKeys(tags.categories), ['api:categories'])
  for (const tag of [tags.courses, tags.progress(7), 'course:', 'course:x', 'course:1:2', 'xcourse:1', '']) {
    t.same(ownKeys(tag), [], JSON.stringify(tag))
  }
})

t.test('a key is cached data if it begins with one of five words', async (t) => {
  for (const key of ['course:1', 'user:1:profile', 'api:x', 'generation:x', 'stats:x'])
    t.equal(isDataKey(key), true, key)
  const others = ['session:1', 'limit:1', 'job:1', 'course', 'courses:1', ' course:1', 'COURSE:1', 'x:course:1', '']
  for (const key of [...others, stampKey('course:1'), lockKey('course:1')]) t.equal(isDataKey(key), false, key)
})

t.test('a lock key is short and plain, whatever is locked', async (t) => {
  const names = ['course:1 a', 'course:1 b', 'Ё'.repeat(1000), '']
  const keys = names.map(lockKey)
  for (const key of keys) t.match(key, /^lock:[\w-]{16,64}$/)
  t.equal(new Set(keys).size, names.length)
  t.equal(lockKey('course:1 a'), keys[0])
})
