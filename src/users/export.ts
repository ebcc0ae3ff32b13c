import { type Static, Type } from 'typebox'
import type { PrismaClient } from '#database/generated/client.ts'
import { Time } from '#http/ids.ts'
import { toOwnUser } from './accounts.ts'
import { type Account, OwnUser } from './shapes.ts'

const rows = (description: string) => Type.Array(Type.Object({}, { additionalProperties: true }), { description })

/** The form of an export. Each row has what the database has, but for secrets. */
export const AccountExport = Type.Object(
  {
    exportedAt: Time,
    account: OwnUser,
    sessions: rows('where the account is, or was lately, signed in'),
    accessTokens: rows('without the tokens themselves'),
    letters: rows('those of the last two days'),
    courses: rows('those that the account has written, drafts too, with modules and chapters'),
    enrollments: rows('with when they were made'),
    completions: rows('the chapters that were completed, and when'),
    generations: rows('what was asked for, with the finished chapters of those that are not over')
  },
  { title: 'AccountExport' }
)
type Section = Exclude<keyof Static<typeof AccountExport>, 'exportedAt' | 'account'>

/** Read at a time: what is large, and what is small. */
const FEW = 1
const SOME = 20
const MANY = 500

type Page = { skip: number; take: number }

/** Everything that is kept of an account, as the text of one JSON object, piece by piece: it is never in memory as a whole. */
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
  yield* section('courses', FEW, (page) =>
    client.course.findMany({
      where: { authorId: userId },
      omit: { authorId: true, searchText: true },
      include: {
        modules: {
          omit: { courseId: true },
          include: { chapters: { omit: { courseId: true, moduleId: true }, orderBy: { position: 'asc' } } },
          orderBy: { position: 'asc' }
        }
      },
      orderBy: { id: 'asc' },
      ...page
    })
  )
  yield* section('enrollments', MANY, (page) =>
    client.enrollment.findMany({ where, omit: { userId: true }, orderBy: { courseId: 'asc' }, ...page })
  )
  yield* section('completions', MANY, (page) =>
    client.chapterCompletion.findMany({ where, omit: { userId: true }, orderBy: { chapterId: 'asc' }, ...page })
  )
  yield* section('generations', SOME, (page) =>
    client.generationJob.findMany({
      where,
      omit: { userId: true, requestHash: true, attempt: true, revision: true },
      include: { checkpoints: { omit: { jobId: true } } },
      orderBy: { id: 'asc' },
      ...page
    })
  )
  yield '}'
}

async function* section(name: Section, take: number, read: (page: Page) => Promise<object[]>): AsyncGenerator<string> {
  yield `,"${name}":[`
  for (let skip = 0; ; skip += take) {
    const found = await read({ skip, take })
    if (found.length > 0) yield (skip === 0 ? '' : ',') + found.map((row) => JSON.stringify(row)).join(',')
    if (found.length < take) break
  }
  yield ']'
}
