import t from 'tap'
import { matcher } from '../../src/cache/store/glob.ts'
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

/** What Redis says, and what we say. */
async function compare(patterns: readonly string[]) {
  const answers = await Promise.all(patterns.map((pattern) => redis.keys(pattern)))
  return patterns.map((pattern, i) => ({
    pattern,
    redis: KEYS.filter((key) => answers[i]?.includes(key)),
    ours: KEYS.filter(matcher(pattern))
  }))
}

for (const pattern of PATTERNS) {
  t.test(`${JSON.stringify(pattern)} means here what it means in Redis`, async (t) => {
    const [compared] = await compare([pattern])
    t.same(compared?.ours, compared?.redis)
  })
}

t.test('so do 3,000 patterns put together at random', async (t) => {
  const random = randomNumbers(20_261_123)
  const alphabet = 'abc^-[]\\*?1:'
  const pattern = () => Array.from({ length: 1 + random(9) }, () => alphabet.charAt(random(alphabet.length))).join('')
  const patterns = Array.from({ length: 3000 }, pattern)
  const different = (await compare(patterns)).filter(({ redis, ours }) => redis.join() !== ours.join())
  t.same(different.slice(0, 3), [], `${different.length} of them differ`)
})

t.test('a pattern of many stars is answered at once: it would hold up every instance', async (t) => {
  const matches = matcher(`${'*a'.repeat(5)}*b`)
  const start = performance.now()
  t.equal(matches('a'.repeat(100)), false)
  t.equal(matches(`${'a'.repeat(100)}b`), true)
  t.ok(performance.now() - start < 500, `${performance.now() - start} ms`)
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
