import t from 'tap'
import { type Actor, admin, draftOf, peopleEnvironment, register } from '../support/actors.ts'
import { bothWays } from '../support/both-ways.ts'
import { ErrorBody } from '../support/contract.ts'
import { ended, generate, PATH, wanted } from '../support/generations.ts'
import { bodyOf, OwnUser, ProgressList, statusOf } from '../support/people.ts'

const COURSES = '/api/v1/courses'
const course = { title: 'T', summary: 'S', description: 'D', level: 'beginner', language: 'en' }
const BYTES = 10_000
const half = 'я'.repeat(BYTES / 4 + 100)

const env = {
  ...peopleEnvironment,
  QUOTA_COURSES: '4',
  QUOTA_DRAFTS: '3',
  QUOTA_ENROLLMENTS: '3',
  QUOTA_BYTES: String(BYTES),
  PUBLISHING: 'authors'
}

bothWays(
  t,
  async (t, service) => {
    const { url } = service
    const boss = await admin(service)
    const make = (actor: Actor) => actor.request('POST', COURSES, course)
    const publish = (actor: Actor, id: number) => actor.request('PATCH', `${COURSES}/${id}`, { status: 'published' })
    const promote = async (actor: Actor) => {
      const { id } = await bodyOf(OwnUser, await actor.get('/api/v1/users/me'))
      t.equal(await statusOf(boss.request('PATCH', `/api/v1/users/${id}`, { role: 'author' })), 200)
    }
    const refusal = async (answer: Promise<Response>, status = 409) =>
      (await bodyOf(ErrorBody, await answer, status)).code

    await t.test('only authors may publish, and an admin grants the role', async (t) => {
      const ann = await register(url, 'publisher')
      const { id } = await draftOf(ann)
      t.equal(await refusal(publish(ann, id), 403), 'AUTHORS_ONLY')
      await promote(ann)
      t.equal(await statusOf(publish(ann, id)), 200)
      t.equal(await statusOf(ann.request('PATCH', `${COURSES}/${id}`, { title: 'Another' })), 200)
    })

    await t.test(
      'drafts and courses have a quota, even under concurrent requests; deleting one makes room',
      async (t) => {
        const ann = await register(url, 'collector')
        await promote(ann)
        const statuses = (await Promise.all(Array.from({ length: 8 }, () => statusOf(make(ann))))).sort()
        t.same(statuses, [201, 201, 201, 409, 409, 409, 409, 409])
        t.match(await bodyOf(ErrorBody, await make(ann), 409), {
          code: 'QUOTA_DRAFTS',
          message: 'the account has reached its quota of drafts (3): publish or delete one'
        })
        t.equal(await refusal(ann.request('POST', PATH, wanted)), 'QUOTA_DRAFTS')
        const first = service.app.database.client.course.findFirstOrThrow
        const { id } = await first({ where: { author: { email: 'collector@example.org' } } })
        t.equal(await statusOf(publish(ann, id)), 200)
        const generation = await generate(ann, { modules: 1, chaptersPerModule: 1 })
        t.equal(await refusal(make(ann)), 'QUOTA_COURSES', 'a running generation counts as a course')
        t.equal((await ended(ann, generation.id)).status, 'completed')
        t.equal(await refusal(make(ann)), 'QUOTA_COURSES')
        t.equal(
          await refusal(ann.request('POST', `${COURSES}/${id}/duplicate`)),
          'QUOTA_COURSES',
          'a copy counts as a course'
        )
        t.equal(await statusOf(ann.request('DELETE', `${COURSES}/${id}`)), 204)
        t.equal(await refusal(make(ann)), 'QUOTA_DRAFTS', 'three drafts exist')
        t.equal(await statusOf(make(boss)), 201, 'admins have no quota')
      }
    )

    await t.test('enrollments have a quota, even under concurrent requests; leaving a course makes room', async (t) => {
      const ann = await register(url, 'student')
      const enroll = (id: number) => ann.request('PUT', `${COURSES}/${id}/enrollment`)
      const ids = [1, 2, 3, 4, 5, 6]
      const answers = await Promise.all(ids.map(async (id) => ({ id, status: await statusOf(enroll(id)) })))
      t.same(answers.map(({ status }) => status).sort(), [204, 204, 204, 409, 409, 409])
      const [enrolled = 0] = answers.filter(({ status }) => status === 204).map(({ id }) => id)
      const [refused = 0] = answers.filter(({ status }) => status === 409).map(({ id }) => id)
      const expected = {
        code: 'QUOTA_ENROLLMENTS',
        message: 'the account has reached its quota of enrollments (3): leave a course first'
      }
      t.match(await bodyOf(ErrorBody, await enroll(refused), 409), expected)
      t.equal(await statusOf(enroll(enrolled)), 204, 'enrolling again is still idempotent')
      t.equal(await statusOf(ann.request('DELETE', `${COURSES}/${enrolled}/enrollment`)), 204)
      t.equal(await statusOf(enroll(refused)), 204)
    })

    await t.test('the overview of progress covers the newest 1,000 enrollments at most', async (t) => {
      const { client } = service.app.database
      const { id: userId } = await bodyOf(OwnUser, await boss.get('/api/v1/users/me'))
      const many = Array.from({ length: 1010 }, (_, n) => `many-${n}`)
      const made = await client.course.createManyAndReturn({
        data: many.map((slug) => ({ ...course, level: 'beginner', slug, authorId: userId })),
        select: { id: true }
      })
      // The newer the course, the older its enrollment.
      await client.enrollment.createMany({
        data: made.map(({ id }, n) => ({ userId, courseId: id, createdAt: new Date(Date.now() - n * 1000) }))
      })
      const { items } = await bodyOf(ProgressList, await boss.get('/api/v1/users/me/progress'))
      t.same(
        items.map(({ courseId }) => courseId),
        made.slice(0, 1000).map(({ id }) => id)
      )
    })

    await t.test('a user who may not publish is not advised to publish', async (t) => {
      const ann = await register(url, 'drafter')
      t.same([await statusOf(make(ann)), await statusOf(make(ann)), await statusOf(make(ann))], [201, 201, 201])
      const message = 'the account has reached its quota of drafts (3): delete one'
      t.match(await bodyOf(ErrorBody, await make(ann), 409), { code: 'QUOTA_DRAFTS', message })
    })

    await t.test('stored bytes have a quota, even under concurrent requests; a smaller text is accepted', async (t) => {
      const ann = await register(url, 'writer')
      const [one, other] = [await draftOf(ann), await draftOf(ann)]
      const add = ({ id, moduleId }: typeof one, content: string) =>
        ann.request('POST', `${COURSES}/${id}/modules/${moduleId}/chapters`, { title: 'C', content })
      const answers = await Promise.all([add(one, half), add(other, half)])
      t.same(answers.map(({ status }) => status).sort(), [201, 409])
      t.equal(
        await refusal(Promise.resolve(answers.find(({ status }) => status === 409) ?? Response.error())),
        'QUOTA_BYTES'
      )
      const [full] = answers[0]?.status === 201 ? [other] : [one]
      const change = (content: string) =>
        ann.request('PATCH', `${COURSES}/${full.id}/chapters/${full.chapterId}`, { content })
      t.equal(await refusal(change(half)), 'QUOTA_BYTES')
      t.equal(await statusOf(change('x'.repeat(1000))), 200)
      t.equal(await statusOf(change('x')), 200)
      t.equal(await statusOf(add(full, 'x'.repeat(1000))), 201)
    })
  },
  { env }
)
