/**
 * What a miss of a list or a search takes with 100,000 courses, through HTTP, on PostgreSQL: `node bench/search.ts`.
 */
import { insertCourses } from '../test/support/many-courses.ts'
import { PostgresServer } from '../test/support/postgres.ts'
import { spawnService } from '../test/support/service.ts'

const COURSES = 100_000

interface Time {
  readonly ms: number
  readonly query: string
  readonly status: number
}

const words = [
  'обуч',
  'нейронные',
  'python',
  'для начинающих',
  'learning',
  'music',
  'с нуля',
  'design patterns',
  'хими',
  'ai'
]
/** No index finds these: they have no three letters or digits in a row. */
const unindexed = ['---', '...', '%%%', '___', '\\\\\\', '😀😀', '::;', '. , ', 'a-b', '²²²']
const filters = [
  '',
  '&level=beginner',
  '&language=ru',
  '&category=music',
  '&author=42',
  '&category=design&level=advanced&language=en'
]
const sorts = ['-createdAt', 'createdAt', 'title', '-updatedAt']
const queries = [
  ...words.flatMap((word) => ['', '&level=advanced', '&sort=title', '&page=3'].map((more) => `search=${word}${more}`)),
  ...['no such words at all', '77777', 'основы для врачей 500', 'guitar: tools', 'zq', 'q'].map(
    (word) => `search=${word}`
  ),
  ...unindexed.flatMap((text) => sorts.map((sort) => `search=${encodeURIComponent(text)}&sort=${sort}`)),
  ...sorts.flatMap((sort) => ['category=nope', 'language=zz', 'search=для'].map((filter) => `${filter}&sort=${sort}`)),
  ...filters.flatMap((filter) => sorts.map((sort) => `sort=${sort}${filter}`)),
  ...filters.flatMap((filter) => [2, 50, 500, 5000].map((page) => `page=${page}${filter}`)),
  ...[10, 20, 30, 40, 50, 60].map((limit) => `limit=${limit}&language=en&level=beginner`)
]

const postgres = await PostgresServer.start()
try {
  const DATABASE_URL = await postgres.createDatabase('migrated')
  await insertCourses(DATABASE_URL, COURSES)
  const service = await spawnService({ DATABASE_URL, RATE_LIMIT_ANONYMOUS: '0' })
  try {
    const times: Time[] = []
    await measure('limit=7')
    for (const query of queries) times.push(await measure(query))
    const isSearch = ({ query }: Time) => query.includes('search=')
    report(
      'lists',
      times.filter((time) => !isSearch(time))
    )
    report('searches', times.filter(isSearch))

    async function measure(query: string) {
      const start = performance.now()
      const answer = await fetch(`${service.url}/api/v1/courses?${query}`)
      await answer.text()
      if (answer.headers.get('x-cache') === 'HIT') throw new Error(`${query} was a hit`)
      return { ms: performance.now() - start, query, status: answer.status }
    }
  } finally {
    await service.kill('SIGKILL')
  }
} finally {
  await postgres.stop()
}

function report(what: string, times: Time[]): void {
  times.sort((a, b) => a.ms - b.ms)
  const at = (part: number) => times[Math.min(times.length - 1, Math.floor(times.length * part))]?.ms.toFixed(1)
  console.log(`${times.length} misses of ${what}: p50 ${at(0.5)} ms, p95 ${at(0.95)} ms, max ${at(1)} ms`)
  for (const { ms, query, status } of times.slice(-8)) console.log(`${ms.toFixed(1)} ms  ${status} ${query}`)
}
