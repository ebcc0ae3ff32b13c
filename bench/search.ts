/**
 * `node bench/search.ts`: measures misses of lists and searches with 100,000 courses, through HTTP, on PostgreSQL.
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

/** Searches of each kind. */
const searches = {
  'a word': [
    'нейронные',
    'python',
    'learning',
    'music',
    'guitar',
    'machines',
    'statistical',
    'databases',
    'программированию'
  ],
  'several words': [
    ...['с нуля', 'для начинающих', 'design patterns', 'английского языка', 'нейронной сетью', 'для врачей химия'],
    ...[
      'сети нейронные практика',
      'beginners python programming',
      'theory music exam',
      'вы изучите',
      'основы для врачей 500'
    ]
  ],
  typos: [
    ...['Pyhton', 'програмирование', 'нейроные сети', 'машиное обучние', 'astonomy', 'learnign', 'химея', 'маркетнг'],
    ...['acounting', 'no such words at all', '77777']
  ],
  'the other keyboard layout': ['ghjuhfvvbhjdfybt', 'vepsrf', 'фьзещпкфзрн'],
  'the prefix of a word': ['обуч', 'хими', 'про', 'программ', 'лин', 'pyth', 'stat', 'обу', 'exam', 'нейрон'],
  'stop words': ['для', 'for', 'в', 'с', 'the', 'and', 'вы'],
  'one or two letters': ['ai', 'R', 'Go', 'ИИ', 'IT', 'C++', 'c#', '.NET', 'zq', 'q'],
  'punctuation alone': ['---', '...', '%%%', '___', '\\\\\\', '😀😀', '::;', '. , ', 'a-b', '²²²']
}
const filters = [
  '',
  '&level=beginner',
  '&language=ru',
  '&category=music',
  '&author=42',
  '&category=design&level=advanced&language=en'
]
const sorts = ['-createdAt', 'createdAt', 'title', '-updatedAt']
const lists = [
  ...sorts.flatMap((sort) => ['category=nope', 'language=zz'].map((filter) => `${filter}&sort=${sort}`)),
  ...filters.flatMap((filter) => sorts.map((sort) => `sort=${sort}${filter}`)),
  ...filters.flatMap((filter) => [2, 50, 500, 5000].map((page) => `page=${page}${filter}`)),
  ...[10, 20, 30, 40, 50, 60].map((limit) => `limit=${limit}&language=en&level=beginner`)
]
const variants = ['', '&level=advanced', '&sort=title', '&page=3']

/** How often each query was sent; every time with another limit, so that none is a hit. */
const asked = new Map<string, number>()

const postgres = await PostgresServer.start()
try {
  const DATABASE_URL = await postgres.createDatabase('migrated')
  await insertCourses(DATABASE_URL, COURSES)
  const service = await spawnService({ DATABASE_URL, RATE_LIMIT_ANONYMOUS: '0' })
  try {
    // Warm-up: compiles, and fills the caches of PostgreSQL.
    for (const query of lists) await measure(query)
    report('lists', await measureAll(lists))
    const all: Time[] = []
    for (const [kind, texts] of Object.entries(searches)) {
      const queries = texts.flatMap((text) => variants.map((more) => `search=${encodeURIComponent(text)}${more}`))
      const times = await measureAll(queries)
      report(kind, times)
      all.push(...times)
    }
    report('all searches', all)

    async function measureAll(queries: readonly string[]): Promise<Time[]> {
      const times: Time[] = []
      for (const query of queries) times.push(await measure(query))
      return times
    }

    /** The median of three, as the machine is shared: each is a miss, as the page sizes differ. */
    async function measure(query: string): Promise<Time> {
      const times: Time[] = []
      for (let i = 0; i < 3; i++) {
        const limit = Number(/limit=(\d+)/.exec(query)?.[1] ?? 10) + (asked.get(query) ?? 0)
        asked.set(query, (asked.get(query) ?? 0) + 1)
        const url = `${query.replace(/&?limit=\d+/, '')}&limit=${limit}`
        const start = performance.now()
        const answer = await fetch(`${service.url}/api/v1/courses?${url}`)
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
  for (const { ms, query, status } of times.slice(-3)) console.log(`${ms.toFixed(1)} ms  ${status} ${query}`)
}
