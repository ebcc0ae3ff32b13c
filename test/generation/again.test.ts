import t from 'tap'
import { Type } from 'typebox'
import { ADMIN, admin, draftOf, peopleEnvironment, register } from '../support/actors.ts'
import { Chapter, Course, ErrorBody } from '../support/contract.ts'
import { until } from '../support/eventually.ts'
import { ended, events, Generation, generate, generation, PATH, wanted } from '../support/generations.ts'
import { chapterText, ModelServer } from '../support/model-server.ts'
import { bodyOf, statusOf } from '../support/people.ts'
import { startService } from '../support/service.ts'

const place = Type.Integer({ minimum: 1 })
const FinishedChapters = Type.Object(
  {
    items: Type.Array(
      Type.Object(
        { module: place, chapter: place, title: Type.String(), content: Type.String(), minutes: place },
        { additionalProperties: false }
      )
    )
  },
  { additionalProperties: false }
)

t.test('a failed generation can be resumed, and a chapter regenerated', async (t) => {
  const model = await ModelServer.start(t)
  const service = await startService(t, {
    ...peopleEnvironment,
    ...model.env,
    RATE_LIMIT_GENERATION: '7',
    GENERATION_CONCURRENCY: '1'
  })
  const { url, app } = service
  const refuse = (what: string) => {
    model.behaviour = (question, response) => {
      if (question.what === what) response.writeHead(400).end('{"error":{"code":"content_filter"}}')
      return null
    }
  }
  const asked = () => model.questions.splice(0).map(({ what }) => what)
  const ann = await register(url, 'ann')
  const retry = (id: string, actor = ann) => actor.request('POST', `${PATH}/${id}/retry`)
  const finished = async (id: string) => (await bodyOf(FinishedChapters, await ann.get(`${PATH}/${id}/chapters`))).items
  const codeOf = async (answer: Promise<Response>, status: number) =>
    (await bodyOf(ErrorBody, await answer, status)).code

  await t.test('a retry repeats no successful model call, and streams events like any generation', async (t) => {
    refuse('2.1')
    const { id } = await generate(ann)
    t.match(await ended(ann, id), { status: 'failed', errorCode: 'MODEL_FILTERED', progress: { completed: 2 } })
    t.same(asked(), ['outline', '1.1', '1.2', '2.1'])
    const half = await finished(id)
    t.same(
      half.map(({ title, content }) => [title, content]),
      ['1.1', '1.2'].map((what) => [`Chapter ${what}`, chapterText(what, 'Chess', 'en')])
    )
    t.equal(await statusOf(retry(id, await register(url, 'eve'))), 404)

    model.behaviour = () => null
    const answer = await retry(id)
    t.equal(answer.headers.get('location'), `${PATH}/${id}`)
    t.match(await bodyOf(Generation, answer, 202), { id, status: 'queued', error: null, errorCode: null })
    const stream = await events(ann.get(`${PATH}/${id}/events`))
    t.match(stream.at(-1)?.generation, { status: 'completed', error: null })
    t.same(asked(), ['2.1', '2.2'])
    t.same(
      (await finished(id)).map(({ title }) => title).slice(0, 2),
      half.map(({ title }) => title)
    )
    t.equal((await finished(id)).length, 4, 'the chapters of the course')
    t.equal(await codeOf(retry(id), 409), 'NOT_FAILED')
  })

  await t.test(
    'a cancelled generation can be resumed; two concurrent retries are one; ten retries are the limit',
    async (t) => {
      const gate = Promise.withResolvers<void>()
      model.behaviour = async ({ what }) => {
        if (what === '2.2') await gate.promise
        return null
      }
      const { id } = await generate(ann, { topic: 'Cancelled' })
      await until(async () => (await generation(ann, id)).progress.completed === 3, 20_000)
      t.equal((await finished(id)).length, 3, 'finished chapters can be read during the retry')
      t.equal(await codeOf(retry(id), 409), 'NOT_FAILED')
      t.equal(await statusOf(ann.request('DELETE', `${PATH}/${id}`)), 202)
      gate.resolve()
      const twice = await Promise.all([retry(id), retry(id)])
      t.same(twice.map(({ status }) => status).sort(), [202, 409])
      t.equal((await ended(ann, id)).status, 'completed')
      t.same(asked().filter((what) => what !== '2.2').length, 4, 'no other chapter is requested twice')

      await app.database.client.generationJob.update({ where: { id }, data: { status: 'failed', attempt: 100_003 } })
      t.equal(await codeOf(retry(id), 409), 'RETRIES_USED_UP')
      await app.database.client.generationJob.update({ where: { id }, data: { status: 'completed' } })
    }
  )

  await t.test('a single chapter can be regenerated', async (t) => {
    model.behaviour = () => null
    asked()
    const { id } = await generate(ann, { topic: 'Again' })
    const courseId = (await ended(ann, id)).courseId ?? 0
    const course = await bodyOf(Course, await ann.get(`/api/v1/courses/${courseId}`))
    const chapterId = course.modules[1]?.chapters[0]?.id ?? 0
    const path = `/api/v1/courses/${courseId}/chapters/${chapterId}`
    await ann.request('PATCH', `/api/v1/courses/${courseId}`, { status: 'published' })
    const before = await ann.get(path)
    const etag = before.headers.get('etag') ?? ''
    const old = await bodyOf(Chapter, before)
    asked()

    t.equal(
      await codeOf(ann.request('POST', `${path}/regenerate`, undefined, { 'if-match': '"x"' }), 412),
      'CHANGED_MEANWHILE'
    )
    const gate = Promise.withResolvers<void>()
    model.behaviour = async () => {
      await gate.promise
      return JSON.stringify({ minutes: 7, content: 'Anew.' })
    }
    const answer = await ann.request('POST', `${path}/regenerate`, undefined, { 'if-match': etag })
    t.equal(answer.headers.get('x-ratelimit-remaining'), '3', 'it counts towards the limit')
    const begun = await bodyOf(Generation, answer, 202)
    t.equal(answer.headers.get('location'), `${PATH}/${begun.id}`)
    t.match(begun, { topic: 'Again', courseId, chapterId, progress: { total: 1 }, outline: { title: course.title } })
    t.equal(await codeOf(ann.request('POST', `${path}/regenerate`), 409), 'CHAPTER_UNDER_WAY')
    const stream = events(ann.get(`${PATH}/${begun.id}/events`))
    gate.resolve()
    t.match((await stream).at(-1)?.generation, { status: 'completed', progress: { percent: 100 }, courseId, chapterId })
    t.match(
      model.questions[0]?.messages[1]?.content,
      /has this plan:\n1\. Module 1\n {3}1\.1 Chapter 1\.1(.|\n)*write it again/
    )
    t.same(await bodyOf(Chapter, await ann.get(path)), { ...old, minutes: 7, content: 'Anew.' })
    t.match(await finished(begun.id), [{ module: 2, chapter: 1, content: 'Anew.' }])
    t.equal(
      await app.database.client.course.count({ where: { title: course.title } }),
      1,
      'no other course was created'
    )

    await t.test(
      'a chapter that was changed meanwhile is kept; a retry overwrites it with the stored answer',
      async (t) => {
        const gate = Promise.withResolvers<void>()
        model.behaviour = async () => {
          await gate.promise
          return JSON.stringify({ minutes: 8, content: 'Once more.' })
        }
        const { id } = await bodyOf(Generation, await ann.request('POST', `${path}/regenerate`), 202)
        await until(() => model.questions.length === 2, 10_000)
        await ann.request('PATCH', path, { content: 'Mine.' })
        gate.resolve()
        t.match(await ended(ann, id), { status: 'failed', errorCode: 'CHAPTER_CHANGED', error: /was changed while/ })
        t.equal((await bodyOf(Chapter, await ann.get(path))).content, 'Mine.')
        asked()
        t.equal(await statusOf(retry(id)), 202)
        t.equal((await ended(ann, id)).status, 'completed')
        t.match(await bodyOf(Chapter, await ann.get(path)), { minutes: 8, content: 'Once more.' })
        t.same(asked(), [], 'the stored answer is reused')
      }
    )

    await t.test('a retry is refused while the same chapter is being regenerated', async (t) => {
      const gate = Promise.withResolvers<void>()
      model.behaviour = async () => {
        await gate.promise
        return null
      }
      const boss = await admin(service)
      const begin = (by = ann) => by.request('POST', `${path}/regenerate`)
      const { id: first } = await bodyOf(Generation, await begin(boss), 202)
      await boss.request('DELETE', `${PATH}/${first}`)
      const { id: second } = await bodyOf(Generation, await begin(), 202)
      t.equal(await codeOf(retry(first, boss), 409), 'CHAPTER_UNDER_WAY')
      await ann.request('DELETE', `${PATH}/${second}`)
      t.same((await Promise.all([retry(first, boss), retry(second)])).map(({ status }) => status).sort(), [202, 409])
      for (const [by, id] of [
        [boss, first],
        [ann, second]
      ] as const)
        await by.request('DELETE', `${PATH}/${id}`)
      gate.resolve()
      await app.database.client.user.update({ where: { email: ADMIN.email }, data: { role: 'student' } })
      t.equal(await codeOf(retry(first, boss), 403), 'NOT_YOURS')
      await app.database.client.user.update({ where: { email: ADMIN.email }, data: { role: 'admin' } })
      asked()
    })

    await t.test('a chapter that was deleted meanwhile is not restored', async (t) => {
      const gate = Promise.withResolvers<void>()
      model.behaviour = async () => {
        await gate.promise
        return null
      }
      const { id } = await bodyOf(Generation, await ann.request('POST', `${path}/regenerate`), 202)
      await until(() => model.questions.length === 1, 10_000)
      t.equal(await statusOf(ann.request('DELETE', path)), 204)
      gate.resolve()
      t.match(await ended(ann, id), { status: 'failed', errorCode: 'CHAPTER_GONE', chapterId: null })
      t.equal(await statusOf(ann.request('POST', `${path}/regenerate`)), 404)
    })
    t.equal(await codeOf(ann.request('POST', PATH, wanted), 429), 'RATE_LIMITED', 'the hourly limit is used up')
  })

  await t.test('an admin may regenerate a chapter of any author, other users may not', async (t) => {
    model.behaviour = () => null
    const { id, chapterId } = await draftOf(ann)
    const path = `/api/v1/courses/${id}/chapters/${chapterId}/regenerate`
    const eve = await register(url, 'mallory')
    t.equal(await statusOf(eve.request('POST', path)), 404)
    const boss = await admin(service)
    const { id: begun } = await bodyOf(Generation, await boss.request('POST', path), 202)
    t.equal((await ended(boss, begun)).status, 'completed')

    await t.test('a former admin can read a regenerated chapter only once it is published', async (t) => {
      const chapters = async () =>
        (await bodyOf(FinishedChapters, await boss.get(`${PATH}/${begun}/chapters`))).items.map(({ title }) => title)
      t.same(await chapters(), ['C'])
      await app.database.client.user.update({ where: { email: ADMIN.email }, data: { role: 'student' } })
      t.same(await chapters(), [])
      await ann.request('PATCH', `/api/v1/courses/${id}`, { status: 'published' })
      t.same(await chapters(), ['C'])
    })
  })
})
