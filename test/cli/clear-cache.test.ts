import { Redis } from 'ioredis'
import t from 'tap'
import { Check } from 'typebox/schema'
import { CacheReport } from '#observability/report-shapes.ts'
import { RedisServer } from '../support/redis.ts'
import { runScript } from '../support/script.ts'

const redis = await RedisServer.start()
const client = new Redis(redis.url)
t.teardown(async () => {
  client.disconnect()
  await redis.stop()
})
const run = (...args: string[]) => runScript('src/cli/clear-cache.ts', { REDIS_URL: redis.url }, ...args)
const fill = () =>
  Promise.all(
    ['course:1', 'course:1:modules', 'user:7:profile', 'session:abc', 'limit:ip:1', 'tag:course:1'].map((key) =>
      client.set(`aikademiya:${key}`, 'x')
    )
  )
const left = async () => (await client.keys('*')).filter((key) => !/probe|board/.test(key)).sort()

t.test('--pattern clears only matching keys; --dry-run clears nothing', async (t) => {
  await fill()
  t.match(await run('--pattern', 'course:*', '--dry-run'), { code: 0, stdout: '2 keys match course:*\n', stderr: '' })
  t.equal((await left()).length, 6)
  const unconfirmed = await run('--pattern', 'course:*')
  t.match(unconfirmed, { code: 1, stdout: '2 keys match course:*\n', stderr: /--yes is needed/ })
  t.equal((await left()).length, 6)
  t.match(await run('--pattern', 'course:*', '--yes'), { code: 0, stdout: '2 keys cleared\n', stderr: '' })
  t.match(await run('--pattern', 'session:*', '--yes'), { code: 0, stdout: '0 keys cleared\n' })
})

t.test('--all clears cached data, and keeps sessions, limits and stamps', async (t) => {
  await fill()
  t.match(await run('--all', '-y'), { code: 0, stdout: '3 keys cleared\n' })
  t.same(await left(), ['aikademiya:limit:ip:1', 'aikademiya:session:abc', 'aikademiya:tag:course:1'])
})

t.test('--stats reports the cache, as text and as JSON', async (t) => {
  const text = await run('--stats')
  t.equal(text.code, 0)
  t.match(text.stdout, /^redis 7\S* master at 127\.0\.0\.1:\d+: \d+ keys.*\nhit ratio: - now, - in the last hour\n/)
  t.match(text.stdout, /\ncourse +0 +0 +0 +0 +- +-\n/)
  const json = await run('--stats', '--json')
  const report: unknown = JSON.parse(json.stdout)
  t.ok(Check(CacheReport, report))
  t.match(
    report,
    { lastClearing: { by: /^[^@,]+@[^@]+$/, pattern: 'all', deleted: 3 } },
    'the report names who cleared it last'
  )
})

t.test('wrong usage exits with 2, an unreachable Redis with 1, each with one line', async (t) => {
  for (const args of [
    [],
    ['--all', '--stats'],
    ['--pattern'],
    ['--pattern', ''],
    ['--pattern', '*'.repeat(513)],
    ['--everything'],
    ['--all', '--json'],
    ['--stats', '--yes']
  ]) {
    const { code, stdout, stderr } = await run(...args)
    t.same([code, stdout], [2, ''], args.join(' '))
    t.match(stderr, /usage: npm run clear-cache/)
  }
  t.match(await run('--help'), { code: 0, stdout: /^usage/ })
  t.match(await runScript('src/cli/clear-cache.ts', {}, '--all'), { code: 1, stderr: /^REDIS_URL is not set/ })
  const nowhere = { REDIS_URL: 'redis://127.0.0.1:1' }
  t.match(await runScript('src/cli/clear-cache.ts', nowhere, '--all'), { code: 1, stderr: /^Redis does not answer/ })
})
