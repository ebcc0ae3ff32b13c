import type { Test } from 'tap'
import type { Database } from '#database/database.ts'
import { openDatabase } from '#database/open.ts'
import { migratedDataDir } from './data-dir.ts'
import { PostgresServer } from './postgres.ts'
import { recordingLog } from './recording-log.ts'

type Suite = (t: Test, database: Database, kind: 'embedded' | 'postgres') => Promise<void>

/** Runs the suite on both databases, migrated and empty: the embedded one, then a separate PostgreSQL. */
export async function onBothDatabases(t: Test, suite: Suite): Promise<void> {
  await t.test('embedded', async (t) => suite(t, await opened(t, null), 'embedded'))
  await t.test('on PostgreSQL', async (t) => {
    const postgres = await PostgresServer.start()
    t.teardown(() => postgres.stop())
    await suite(t, await opened(t, await postgres.createDatabase('migrated')), 'postgres')
  })
}

async function opened(t: Test, databaseUrl: string | null): Promise<Database> {
  const { log } = recordingLog()
  const dataDir = databaseUrl === null ? await migratedDataDir(t) : ''
  const database = await openDatabase({ databaseUrl, dataDir }, log)
  t.teardown(() => database.close())
  return database
}

/** Marks every row of the outbox as applied. */
export async function allApplied({ client }: Database): Promise<void> {
  await client.$executeRaw`update cache_invalidation set applied_at = now() where applied_at is null`
}

/** A course of two modules, the first of two chapters, with a student who has finished one of them. */
export async function studiedCourse({ client }: Database) {
  const unique = crypto.randomUUID()
  const user = (name: string) =>
    client.user.create({ data: { name, email: `${name}-${unique}@example.com`, passwordHash: '!' } })
  const [author, student] = [await user('author'), await user('student')]
  const category = await client.category.create({ data: { slug: unique, name: 'Category' } })
  const course = await client.course.create({
    data: {
      slug: unique,
      title: 'Course',
      summary: 'Summary',
      level: 'beginner',
      language: 'en',
      authorId: author.id,
      categoryId: category.id
    }
  })
  const courseId = course.id
  const first = await client.module.create({ data: { courseId, title: 'First', position: 1 } })
  const second = await client.module.create({ data: { courseId, title: 'Second', position: 2 } })
  const chapter = (title: string, position: number) =>
    client.chapter.create({ data: { courseId, moduleId: first.id, title, content: 'Text', position } })
  const chapters = [await chapter('One', 1), await chapter('Two', 2)] as const
  await client.enrollment.create({ data: { userId: student.id, courseId } })
  await client.chapterCompletion.create({ data: { userId: student.id, courseId, chapterId: chapters[0].id } })
  return { author, student, category, course, modules: [first, second] as const, chapters }
}
