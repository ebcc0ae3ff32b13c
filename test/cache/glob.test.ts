import t from 'tap'
import { collapseStars, matcher } from '../../src/cache/store/glob.ts'
import { plainClient } from '../support/caches.ts'
import { RedisServer } from '../support/redis.ts'

const KEYS = [
  ...['course:1', 'course:2', 'course:12', 'course:1:modules', 'course:a', 'course:A', 'course:^', 'course:-'],
  ...['user:123:profile', 'user:12', 'api:categories', 'stats:overview', 'a', 'b', 'c', 'd', 'ab', 'abc', 'aa', 'a-c'],
  ...['[', ']', '\\', '^', '-', '*', '?', '.', '$', '(', ')', '{1}', '|', '+', 'a.b', 'a\\b', 'a]', '[a]', '[]', '^a'],
  ...['a\nb', 'a b', 'a/b', 'a*b', 'a?b', 'z', 'Z', '0', '9', '_', 'a\\', '-]', 'a^', 'b]', '^]']
]

const PATTERNS = [
  ...['*', '**', '***', '?', '??', '???', '', 'a', 'course:*', 'course:?', '*:*', '*1*', 'course:1', '*a', 'a*', '*b*'],
  ...[
    '[abc]',
    '[a-c]',
    '[^a]',
    '[^a-c]',
    '[a-]',
    '[-a]',
    '[a-c-e]',
    '[--a]',
    '[z-a]',
    '[9-0]',
    '[a-a]',
    '[!a]',
    '[a^]'
  ],
  ...['[', '[]', '[^', '[^]', '[^^]', '[]]', '[]a]', '[^]]', '[a', '[a-', '[a-c', '[\\', '[\\]', '[\\]]', '[\\\\]'],
  ...['[\\^]', '[\\-]', '[a\\-c]', '[a-\\]', '[a-]]', '[[]', '[[a]', '[]-a]', '*[', '[*]', '[?]', '[a]*', '*[1-2]'],
  ...['\\', 'a\\', '\\a', '\\*', '\\?', '\\[', '\\]', '\\\\', 'a\\*b', '*\\', '?\\', '[a]\\', '\\^', '\\d', '[\\d]'],
  ...['.', '.*', 'a.b', '^', '$', '^a$', '(', ')', '(a)', '{1}', 'a|b', '+', 'a+', '/', 'a/b', 'a\nb', '[\n]', 'a?b'],
  ...[
    'Ё',
    'Ё*',
    '*Ё',
    '[Ё]',
    '[^Ё]',
    '🦔',
    '[🦔]',
    '\\Ё',
    '\ud800',
    '[\udc00',
    '\u0000',
    'course:[12]:*',
    'user:12[34]'
  ],
  ...['course:[^0-9]', 'course:[0-9][0-9]', 'course:[0-9]*', '*:[a-z]*', '[a-z]*:[0-9]*', '[^a-z]', '*[^a-z]', '?[b-]*']
]

const server = await RedisServer.start()
t.teardown(() => server.stop())
const redis = plainClient(t, server)
await redis.mset(Object.fromEntries(KEYS.map((key) => [key, ''])))

/** The matches according to Redis and according to the service. */
async function compare(patterns: readonly string[]) {
  const answers = await Promise.all(patterns.map((pattern) => redis.keys(pattern)))
  return patterns.map((pattern, i) => ({
    pattern,
    redis: KEYS.filter((key) => answers[i]?.includes(key)),
    ours: KEYS.filter(matcher(pattern)),
    collapsed: KEYS.filter(matcher(collapseStars(pattern)))
  }))
}

for (const pattern of PATTERNS) {
  t.test(`${JSON.stringify(pattern)} matches the same keys here and in Redis`, async (t) => {
    const [compared] = await compare([pattern])
    t.same(compared?.ours, compared?.redis)
  })
}

t.test('3,000 random patterns match the same keys here and in Redis', async (t) => {
  const random = randomNumbers(20_261_123)
  const alphabet = 'abc^-[]\\*?1:'
  const pattern = () => Array.from({ length: 1 + random(9) }, () => alphabet.charAt(random(alphabet.length))).join('')
  const patterns = Array.from({ length: 3000 }, pattern)
  const different = (await compare(patterns)).filter(
    ({ redis, ours, collapsed }) => redis.join() !== ours.join() || ours.join() !== collapsed.join()
  )
  t.same(different.slice(0, 3), [], `${different.length} of them differ`)
})

t.test('a pattern of many stars is matched at once, as it would block every instance', async (t) => {
  const matches = matcher(`${'*a'.repeat(5)}*b`)
  const start = performance.now()
  t.equal(matches('a'.repeat(100)), false)
  t.equal(matches(`${'a'.repeat(100)}b`), true)
  t.ok(performance.now() - start < 500, `${performance.now() - start} ms`)
})

t.test('the worst patterns do not block a process with 30,000 copies', async (t) => {
  const keys = Array.from({ length: 30_000 }, (_, i) => `course:${'a'.repeat(40)}${i}`)
  const worst = [
    '*'.repeat(100_000),
    `${'*a'.repeat(255)}b`,
    `*${'a'.repeat(510)}b`,
    `${'*?'.repeat(255)}b`,
    '*[a-z]'.repeat(85)
  ]
  for (const pattern of worst) {
    const start = performance.now()
    const found = keys.filter(matcher(pattern)).length
    t.equal(found, pattern.startsWith('**') ? keys.length : 0)
    t.ok(performance.now() - start < 1500, `${pattern.slice(0, 10)}: ${performance.now() - start} ms`)
  }
  const start = performance.now()
  t.equal(matcher(`${'*a'.repeat(255)}b`)('a'.repeat(512)), false)
  t.equal(matcher(`${'*a'.repeat(255)}*b`)(`${'a'.repeat(511)}b`), true)
  t.ok(performance.now() - start < 100, `${performance.now() - start} ms for the longest key`)
})

t.test('consecutive stars are merged before the pattern is sent to Redis', async (t) => {
  t.same(['***', 'a**b', '\\***', '[**]', '[a**-z]*', '\\\\**', 'a'].map(collapseStars), [
    ...['*', 'a*b', '\\**', '[*]', '[a*-z]*', '\\\\*', 'a']
  ])
})

/** The same numbers in every run (mulberry32). */
function randomNumbers(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let x = Math.imul(state ^ (state >>> 15), 1 | state)
    x = (x + Math.imul(x ^ (x >>> 7), 61 | x)) ^ x
    return ((x ^ (x >>> 14)) >>> 0) % below
  }
}
