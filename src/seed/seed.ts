import { readdir, readFile } from 'node:fs/promises'
import { createWholeCourse } from '#courses/whole-course.ts'
import type { Database } from '#database/database.ts'
import { Level, type Prisma, type PrismaClient } from '#database/generated/client.ts'
import type { Log } from '#logging/log.ts'
import { type CourseFile, parseCourse } from './course-file.ts'
import { authors, categories } from './people.ts'

const COURSES = new URL('courses/', import.meta.url)

/** Demo authors cannot sign in: no password has this hash. */
const NO_PASSWORD = '!'

const FIRST_DAY = Date.UTC(2026, 0, 12, 9)
const DAYS_APART = 9
const DAY_MS = 86_400_000
const TRANSACTION_TIMEOUT_MS = 60_000

/**
 * Fills an empty database (`isEmpty`) with the demo catalogue, in one transaction. Call both inside
 * `Database.exclusively`.
 */
export async function seedDemo(database: Database, log: Log): Promise<void> {
  const files = await readCourses()
  await database.write(
    async (tx) => {
      await tx.category.createMany({ data: categories })
      await tx.user.createMany({ data: authors.map(author), skipDuplicates: true })
      const categoryIds = new Map((await tx.category.findMany()).map(({ slug, id }) => [slug, id]))
      const authorIds = new Map((await tx.user.findMany()).map(({ email, id }) => [email, id]))
      for (const [index, file] of files.entries()) {
        await createCourse(tx, file, {
          categoryId: found(categoryIds, file.category),
          authorId: found(authorIds, email(file.author)),
          createdAt: new Date(FIRST_DAY + index * DAYS_APART * DAY_MS)
        })
      }
    },
    { timeout: TRANSACTION_TIMEOUT_MS }
  )
  log.info({ courses: files.length }, 'demo catalogue seeded')
}

/** True for a database without courses and categories. */
export async function isEmpty(client: PrismaClient): Promise<boolean> {
  return (await client.category.count()) === 0 && (await client.course.count()) === 0
}

/** The courses of the demo catalogue, sorted by slug. */
export async function readCourses(): Promise<CourseFile[]> {
  const names = (await readdir(COURSES)).filter((name) => name.endsWith('.md')).sort()
  return Promise.all(
    names.map(async (name) => parseCourse(name.slice(0, -'.md'.length), await readFile(new URL(name, COURSES), 'utf8')))
  )
}

async function createCourse(
  tx: Prisma.TransactionClient,
  file: CourseFile,
  facts: { categoryId: number; authorId: number; createdAt: Date }
): Promise<void> {
  const { slug, title, summary, description, language, modules } = file
  const course = { slug, title, summary, description, language, level: level(file), status: 'published' } as const
  await createWholeCourse(tx, { ...course, ...facts, updatedAt: facts.createdAt }, modules)
}

function author({ handle, name, bio }: (typeof authors)[number]): Prisma.UserCreateManyInput {
  return { email: email(handle), name, bio, role: 'author', passwordHash: NO_PASSWORD }
}

function email(handle: string): string {
  return `${handle}@aikademiya.local`
}

function level({ slug, level }: CourseFile): Level {
  const known = Object.values(Level).find((value) => value === level)
  if (known === undefined) throw new Error(`${slug}.md: unknown level: ${level}`)
  return known
}

function found(ids: ReadonlyMap<string, number>, name: string): number {
  const id = ids.get(name)
  if (id === undefined) throw new Error(`the demo catalogue refers to ${name}, which is missing in people.ts`)
  return id
}
