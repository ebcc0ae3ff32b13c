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
/** Of each kind that a search understands: forms, several words in any order, errors of typing, the other layout, the beginning of a word. */
const understood = [
  ...['английского языка', 'нейронной сетью', 'программированию', 'machines', 'statistical', 'databases'],
  ...['для врачей химия', 'сети нейронные практика', 'beginners python programming', 'theory music exam', 'вы изучите'],
  ...[
    'Pyhton',
    'програмирование',
    'нейроные сети',
    'машиное обучние',
    'astonomy',
    'learnign',
    'химея',
    'маркетнг',
    'acounting'
  ],
  ...['ghjuhfvvbhjdfybt', 'vepsrf', 'фьзещпкфзрн', 'про', 'программ', 'лин', 'pyth', 'stat', 'for', 'обу'],
  ...['R', 'Go', 'ИИ', 'IT', 'C++', 'c#', '.NET', 'в', 'с']
]
/** Without a letter or a digit there is nothing to look for, and with few of them little. */
const signs = ['---', '...', '%%%', '___', '\\\\\\', '😀😀', '::;', '. , ', 'a-b', '²²²']
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
  ...signs.flatMap((text) => sorts.map((sort) => `search=${encodeURIComponent(text)}&sort=${sort}`)),
  ...understood.flatMap((text) => ['', '&level=beginner'].map((more) => `search=${encodeURIComponent(text)}${more}`)),
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

    /** The middle one of three, as others use the machine too: each is a miss, as no two have the same number of courses on a page. */
    async function measure(query: string): Promise<Time> {
      const times: Time[] = []
      for (const more of [0, 1, 2]) {
        const limit = Number(/limit=(\d+)/.exec(query)?.[1] ?? 20) + more
        const asked = `${query.replace(/&?limit=\d+/, '')}&limit=${limit}`
        const start = performance.now()
        const answer = await fetch(`${service.url}/api/v1/courses?${asked}`)
        await answer.text()
        if (answer.headers.get('x-cache') === 'HIT') throw new Error(`${query} was a hit`)
        times.push({ ms: performance.now() - start, query, status: answer.status })
      }
      const [, middle] = times.sort((a, b) => a.ms - b.ms)
      if (middle === undefined) throw new Error('not measured')
      return middle
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
