import t from 'tap'
import { UserCache } from '../../src/accounts/user-cache.ts'
import { Trace } from '../../src/cache/trace.ts'
import { Catalogue } from '../../src/catalogue/catalogue.ts'
import { CourseCache } from '../../src/catalogue/course-cache.ts'
import { GenerationCache } from '../../src/generation/generation-cache.ts'
import { StatsCache } from '../../src/stats/stats-cache.ts'
import { studiedCourse } from '../support/both-databases.ts'
import { onBothStores, Source } from '../support/caches.ts'
import { startDatabase } from '../support/postgres-database.ts'

const ID = '0191f6a2-7b0c-7def-8a4e-1c2d3e4f5a6b'

const { database } = await startDatabase(t)
const { course, modules, chapters } = await studiedCourse(database)
await database.client.course.update({ where: { id: course.id }, data: { status: 'published' } })

await onBothStores(t, async (t, open) => {
  const { cache } = await open(t)

  await t.test('courses, their modules and chapters, until they are cleared', async (t) => {
    const courses = new CourseCache(cache, new Catalogue(database.client))
    const { id } = course
    t.equal(await courses.peek(id), null)
    for (const outcome of ['MISS', 'HIT', 'cleared', 'MISS', 'HIT']) {
      if (outcome === 'cleared') {
        await courses.clear(id)
        t.equal(await courses.peek(id), null)
        continue
      }
      const traces = [new Trace(), new Trace(), new Trace()]
      t.equal((await courses.course(id, traces[0])).title, course.title)
      t.equal((await courses.modules(id, traces[1])).items.length, modules.length)
      t.equal((await courses.chapter(id, chapters[0].id, traces[2])).content, chapters[0].content)
      for (const trace of traces) t.equal(trace.outcome, outcome)
    }
    t.equal((await courses.peek(id))?.title, course.title)
    await t.rejects(courses.course(999_999), { message: 'course not found' })
    await t.rejects(courses.chapter(id, 999_999), { message: 'chapter not found' })
  })

  await t.test('what belongs to a user, each by itself', async (t) => {
    const users = new UserCache(cache)
    const [mine, yours] = [new Source('mine'), new Source('yours')]
    const reads = async () => [
      await users.profile(1, mine.load),
      await users.profile(2, yours.load),
      await users.progress(1, 7, mine.load),
      await users.progress(2, 7, yours.load),
      await users.progress(1, 8, mine.load)
    ]
    for (let i = 0; i < 2; i++) t.same(await reads(), ['mine', 'yours', 'mine', 'yours', 'mine'])
    t.same([mine.loads, yours.loads], [3, 2])
    mine.value = yours.value = 'new'
    await users.clear(1)
    t.same(await reads(), ['new', 'yours', 'new', 'yours', 'new'])
  })

  await t.test('progress goes with the course, too: the percentage depends on its chapters', async (t) => {
    const users = new UserCache(cache)
    const source = new Source(50)
    await users.progress(3, 9, source.load)
    source.value = 25
    await cache.invalidate(['course:9'])
    t.equal(await users.progress(3, 9, source.load), 25)
  })

  await t.test('a generation: its status and its chapters, until they are cleared', async (t) => {
    const generations = new GenerationCache(cache)
    const [status, chapters] = [new Source('queued'), new Source(['one'])]
    const read = async () => [await generations.status(ID, status.load), await generations.chapters(ID, chapters.load)]
    for (let i = 0; i < 2; i++) t.same(await read(), ['queued', ['one']])
    t.same([status.loads, chapters.loads], [1, 1])
    status.value = 'completed'
    await generations.clear(ID)
    t.same(await read(), ['completed', ['one']])
  })

  await t.test('statistics, counted once until they are cleared', async (t) => {
    const stats = new StatsCache(cache)
    const source = new Source({ users: 1 })
    for (let i = 0; i < 3; i++) t.same(await stats.overview(source.load), { users: 1 })
    t.equal(source.loads, 1)
    source.value = { users: 2 }
    await stats.clear()
    t.same(await stats.overview(source.load), { users: 2 })
  })
})
