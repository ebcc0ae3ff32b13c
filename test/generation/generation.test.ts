import t from 'tap'
import { type Actor, peopleEnvironment, register } from '../support/actors.ts'
import { Course, ErrorBody, parse } from '../support/contract.ts'
import { until } from '../support/eventually.ts'
import { ended, events, Generation, generate, generation, PATH, page, wanted } from '../support/generations.ts'
import { ModelServer } from '../support/model-server.ts'
import { bodyOf, startStack, statusOf } from '../support/people.ts'
import { startService } from '../support/service.ts'

t.test('embedded without a model, a generation creates a course in the requested language', async (t) => {
  const { url, app } = await startService(t, peopleEnvironment)
  const ann = await register(url, 'ann')
  for (const [language, letters] of [
    ['en', /[a-z]{3}/i],
    ['ru', /[а-я]{3}/i]
  ] as const) {
    const topic = language === 'ru' ? 'ИИ' : 'R'
    const answer = await ann.request('POST', PATH, { ...wanted, language, topic, audience: 'clubs' })
    const { id } = await bodyOf(Generation, answer, 202)
    t.equal(answer.headers.get('location'), `${PATH}/${id}`)
    const stream = await events(ann.get(`${PATH}/${id}/events`, { accept: 'text/event-stream' }))
    t.match(stream.at(-1)?.generation, { status: 'completed', stage: 'done', progress: { percent: 100 } })
    t.same(
      stream.map((event) => event.id),
      [...new Set(stream.map((event) => event.id))].sort((a, b) => a - b),
      'event ids increase'
    )
    const { courseId } = await ended(ann, id)
    const course = await bodyOf(Course, await ann.get(`/api/v1/courses/${courseId}`))
    t.match(course, { status: 'draft', language, moduleCount: 2, chapterCount: 4 })
    t.match(course.modules[0]?.title, letters)
    const chapter = course.modules[0]?.chapters[0]?.id
    t.match(await (await ann.get(`/api/v1/courses/${courseId}/chapters/${chapter}`)).text(), letters)
    t.equal(await statusOf((await register(url, `other-${language}`)).get(`/api/v1/courses/${courseId}`)), 404)
  }
  t.equal(app.generationFeed.followers, 0, 'no follower is left behind')
})

t.test('generations of users', async (t) => {
  const { env } = await startStack(t)
  const model = await ModelServer.start(t)
  const service = await startService(t, {
    ...env,
    ...model.env,
    RATE_LIMIT_GENERATION: '4',
    MAX_STREAMS_PER_USER: '200'
  })
  const { url } = service

  await t.test('an invalid request is refused, and the field named', async (t) => {
    const ann = await register(url, 'refused')
    for (const [change, field] of [
      [{ topic: '' }, /topic/],
      [{ topic: ' \t ' }, /topic/],
      [{ topic: 'x'.repeat(201) }, /topic/],
      [{ modules: 0 }, /modules/],
      [{ modules: 13 }, /modules/],
      [{ chaptersPerModule: 11 }, /chaptersPerModule/],
      [{ level: 'expert' }, /level/],
      [{ language: '!' }, /language/],
      [{ categoryId: 999_999 }, /categoryId/],
      [{ userId: 1 }, /userId/]
    ] as const) {
      const { message } = await bodyOf(ErrorBody, await ann.request('POST', PATH, { ...wanted, ...change }), 400)
      t.match(message, field)
    }
    t.equal(await statusOf(ann.request('POST', PATH, wanted, { 'idempotency-key': 'a b' })), 400)
    t.equal(await statusOf(ann.get(`${PATH}/nonsense`)), 400)
    t.equal((await page(ann)).total, 0)
  })

  await t.test('the same key returns the same generation, to the same user', async (t) => {
    const [ann, bob] = [await register(url, 'ann'), await register(url, 'bob')]
    const key = { 'idempotency-key': 'order-66' }
    const twins = await Promise.all([generate(ann, {}, key), generate(ann, {}, key), generate(ann, {}, key)])
    t.equal(new Set(twins.map(({ id }) => id)).size, 1)
    t.not((await generate(bob, {}, key)).id, twins[0].id)
    await ended(ann, twins[0].id)
    t.equal((await generate(ann, {}, key)).status, 'completed')
  })

  await t.test('a user cannot see the generations of others', async (t) => {
    const [ann, eve] = [await register(url, 'owner'), await register(url, 'eve')]
    const { id } = await generate(ann)
    await ended(ann, id)
    for (const path of [`${PATH}/${id}`, `${PATH}/${id}/events`]) t.equal(await statusOf(eve.get(path)), 404)
    t.equal(await statusOf(eve.request('DELETE', `${PATH}/${id}`)), 404)
    t.same((await page(eve)).items, [])
    t.equal((await page(ann)).items[0]?.id, id)
  })

  await t.test(
    'four generations an hour are allowed, even concurrently; refused and repeated requests do not count',
    async (t) => {
      const ann = await register(url, 'busy')
      const key = { 'idempotency-key': 'k' }
      await generate(ann, {}, key)
      await generate(ann, {}, key)
      t.equal(await statusOf(ann.request('POST', PATH, { ...wanted, topic: '' })), 400)
      const answers = await Promise.all(Array.from({ length: 6 }, () => ann.request('POST', PATH, wanted)))
      t.equal(answers.filter(({ status }) => status === 202).length, 3)
      const refused = answers.find(({ status }) => status === 429)
      t.ok(Number(refused?.headers.get('retry-after')) > 3500)
      t.equal(refused?.headers.get('x-ratelimit-remaining'), '0')
      t.equal(refused?.headers.get('x-ratelimit-limit'), '4')
    }
  )

  await t.test('a cancelled generation stops calling the model', async (t) => {
    const ann = await register(url, 'hasty')
    model.delayMs = 200
    const { id } = await generate(ann, { modules: 4, chaptersPerModule: 5, topic: 'Cancelled' })
    await until(async () => (await generation(ann, id)).progress.completed >= 2, 10_000)
    const cancelled = await bodyOf(Generation, await ann.request('DELETE', `${PATH}/${id}`), 202)
    t.match(cancelled, { status: 'cancelled', error: /was cancelled/, errorCode: 'CANCELLED' })
    t.equal((await generation(ann, id)).status, 'cancelled', 'at once')
    const asked = model.questions.length
    await new Promise((resolve) => setTimeout(resolve, 1000))
    t.equal(model.questions.length, asked)
    t.equal(await statusOf(ann.request('DELETE', `${PATH}/${id}`)), 409, 'it has already ended')
    model.delayMs = 0
  })

  await t.test('a stream resumes after Last-Event-ID, and reports its end', async (t) => {
    const ann = await register(url, 'follower')
    const { id } = await generate(ann)
    const all = await events(ann.get(`${PATH}/${id}/events`))
    const middle = all[Math.floor(all.length / 2)]?.id ?? 0
    const rest = await events(ann.get(`${PATH}/${id}/events`, { 'last-event-id': String(middle) }))
    t.same(rest.at(-1), all.at(-1))
    const last = String(all.at(-1)?.id)
    t.equal(await statusOf(ann.get(`${PATH}/${id}/events`, { 'last-event-id': last })), 204)
    t.equal(await statusOf(ann.get(`${PATH}/${id}/events`, { 'last-event-id': 'x' })), 400)
    t.equal(await statusOf(ann.request('HEAD', `${PATH}/${id}/events`)), 405, 'a stream does not support HEAD')
  })

  await t.test('200 clients that connect and vanish leave nothing behind', async (t) => {
    const ann = await register(url, 'crowd')
    model.delayMs = 3000
    const { id } = await generate(ann, { topic: 'Slow' })
    await Promise.all(Array.from({ length: 200 }, () => vanish(ann, id)))
    await until(() => service.app.generationFeed.followers <= 1, 5000)
    model.delayMs = 0
    t.equal((await ended(ann, id)).status, 'completed')
    await until(() => service.app.generationFeed.followers === 0, 5000)
  })

  async function vanish(actor: Actor, id: string): Promise<void> {
    const gone = new AbortController()
    const response = await fetch(`${url}${PATH}/${id}/events`, {
      headers: { cookie: actor.cookie },
      signal: gone.signal
    })
    let text = ''
    // An event may arrive in several chunks.
    for await (const piece of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      text += piece
      if (text.includes('\n\n')) break
    }
    parse(Generation, /^data: (.*)$/m.exec(text)?.[1] ?? '')
    gone.abort()
  }
})
