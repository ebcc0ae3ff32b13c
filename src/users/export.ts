import { type Static, Type } from 'typebox'
import type { PrismaClient } from '#database/generated/client.ts'
import { Time } from '#http/ids.ts'
import { toOwnUser } from './accounts.ts'
import { type Account, OwnUser } from './shapes.ts'

const rows = (description: string) => Type.Array(Type.Object({}, { additionalProperties: true }), { description })

/** The shape of an export. Rows are as in the database, without secrets. */
export const AccountExport = Type.Object(
  {
    exportedAt: Time,
    account: OwnUser,
    sessions: rows('current and recent sessions'),
    accessTokens: rows('without the tokens themselves'),
    letters: rows('the letters of the last two days'),
    courses: rows('the courses of the account, including drafts, with modules and chapters'),
    enrollments: rows('each with its time'),
    completions: rows('the completed chapters, each with its time'),
    generations: rows('the requests; unfinished generations come with their finished chapters')
  },
  { title: 'AccountExport' }
)
type Section = Exclude<keyof Static<typeof AccountExport>, 'exportedAt' | 'account'>

/** Rows read at a time, by how large they may be. */
const FEW = 1
const SOME = 20
const MANY = 500
/** Texts are read in portions of at most this size; a larger one is read alone. */
const PORTION_BYTES = 256 * 1024

type Page = { skip: number; take: number }

/**
 * Streams everything stored about an account as the text of one JSON object. Neither the export nor a whole course is
 * ever in memory at once: a piece is read only when the previous one was consumed, so a slow client holds one piece.
 */
export async function* exportAccount(client: PrismaClient, account: Account): AsyncGenerator<string> {
  const { id: userId } = account
  const where = { userId }
  yield `{"exportedAt":${JSON.stringify(new Date())},"account":${JSON.stringify(toOwnUser(account))}`
  yield* section('sessions', MANY, (page) =>
    client.userSession.findMany({ where, omit: { userId: true, epoch: true }, orderBy: { id: 'asc' }, ...page })
  )
  yield* section('accessTokens', MANY, (page) =>
    client.accessToken.findMany({ where, omit: { userId: true, digest: true }, orderBy: { id: 'asc' }, ...page })
  )
  yield* section('letters', MANY, (page) =>
    client.letter.findMany({
      where: { OR: [where, { email: account.email }] },
      select: { kind: true, email: true, language: true, createdAt: true },
      orderBy: { id: 'asc' },
      ...page
    })
  )
  yield begin('courses')
  yield* parents(coursesOf(client, userId), 'modules', ({ id: courseId }) =>
    parents(modulesOf(client, courseId), 'chapters', ({ id }) => array(chaptersOf(client, id)))
  )
  yield* section('enrollments', MANY, (page) =>
    client.enrollment.findMany({ where, omit: { userId: true }, orderBy: { courseId: 'asc' }, ...page })
  )
  yield* section('completions', MANY, (page) =>
    client.chapterCompletion.findMany({ where, omit: { userId: true }, orderBy: { chapterId: 'asc' }, ...page })
  )
  yield begin('generations')
  yield* parents(generationsOf(client, userId), 'checkpoints', ({ id }) => array(checkpointsOf(client, id)))
  yield '}'
}

function coursesOf(client: PrismaClient, authorId: number) {
  return pages(FEW, (page) =>
    client.course.findMany({
      where: { authorId },
      omit: { authorId: true, searchText: true },
      orderBy: { id: 'asc' },
      ...page
    })
  )
}

function modulesOf(client: PrismaClient, courseId: number) {
  return pages(MANY, (page) =>
    client.module.findMany({ where: { courseId }, omit: { courseId: true }, orderBy: { position: 'asc' }, ...page })
  )
}

async function* chaptersOf(client: PrismaClient, moduleId: number): AsyncGenerator<object[]> {
  // Reading the lengths does not load the texts.
  const sizes = await client.$queryRaw<{ id: number; bytes: number }[]>`
    select id, octet_length(content) as bytes from chapter where module_id = ${moduleId} order by position`
  for (const portion of portions(sizes)) {
    yield await client.chapter.findMany({
      where: { moduleId, id: { in: portion.map(({ id }) => id) } },
      omit: { courseId: true, moduleId: true },
      orderBy: { position: 'asc' }
    })
  }
}

function generationsOf(client: PrismaClient, userId: number) {
  return pages(SOME, (page) =>
    client.generationJob.findMany({
      where: { userId },
      omit: { userId: true, requestHash: true, attempt: true, revision: true },
      orderBy: { id: 'asc' },
      ...page
    })
  )
}

async function* checkpointsOf(client: PrismaClient, jobId: string): AsyncGenerator<object[]> {
  const sizes = await client.$queryRaw<{ modulePosition: number; chapterPosition: number; bytes: number }[]>`
    select module_position as "modulePosition", chapter_position as "chapterPosition", octet_length(content) as bytes
    from generation_checkpoint where job_id = ${jobId}::uuid order by module_position, chapter_position`
  for (const portion of portions(sizes)) {
    yield await client.generationCheckpoint.findMany({
      where: { jobId, OR: portion.map(({ bytes: _, ...position }) => position) },
      omit: { jobId: true },
      orderBy: [{ modulePosition: 'asc' }, { chapterPosition: 'asc' }]
    })
  }
}

function begin(name: Section): string {
  return `,"${name}":`
}

async function* section(name: Section, take: number, read: (page: Page) => Promise<object[]>): AsyncGenerator<string> {
  yield begin(name)
  yield* array(pages(take, read))
}

async function* pages<Row>(take: number, read: (page: Page) => Promise<Row[]>): AsyncGenerator<Row[]> {
  for (let skip = 0; ; skip += take) {
    const rows = await read({ skip, take })
    yield rows
    if (rows.length < take) return
  }
}

function* portions<Sized extends { bytes: number }>(all: readonly Sized[]): Generator<Sized[]> {
  let portion: Sized[] = []
  let bytes = 0
  for (const one of all) {
    if (portion.length > 0 && bytes + one.bytes > PORTION_BYTES) {
      yield portion
      portion = []
      bytes = 0
    }
    portion.push(one)
    bytes += one.bytes
  }
  if (portion.length > 0) yield portion
}

/** Streams rows as a JSON array, page by page. */
async function* array(pages: AsyncIterable<object[]>): AsyncGenerator<string> {
  let before = '['
  for await (const rows of pages) {
    if (rows.length === 0) continue
    yield before + rows.map((row) => JSON.stringify(row)).join(',')
    before = ','
  }
  yield before === '[' ? '[]' : ']'
}

/** The same, with one more property, an array that is read and streamed for each row. */
async function* parents<Row extends object>(
  pages: AsyncIterable<Row[]>,
  property: string,
  read: (row: Row) => AsyncIterable<string>
): AsyncGenerator<string> {
  let before = '['
  for await (const rows of pages) {
    for (const row of rows) {
      yield `${before}${JSON.stringify(row).slice(0, -1)},"${property}":`
      yield* read(row)
      yield '}'
      before = ','
    }
  }
  yield before === '[' ? '[]' : ']'
}
