import t, { type Test } from 'tap'
import { ModelBudget } from '#generation/model-budget.ts'
import { type Actor, peopleEnvironment, register } from '../support/actors.ts'
import { ErrorBody } from '../support/contract.ts'
import { until } from '../support/eventually.ts'
import { cancelAll, ended, events, generate, generation, PATH, wanted } from '../support/generations.ts'
import { ModelServer } from '../support/model-server.ts'
import { bodyOf, eventually, spawnFor, startStack, statusOf } from '../support/people.ts'
import { type Service, startService } from '../support/service.ts'

const small = { modules: 1, chaptersPerModule: 1 }

async function checkBudget(t: Test, { url, app }: Service, model: ModelServer, there = url): Promise<void> {
  const { client } = app.database
  const ann = await register(url, 'ann')
  const refused = async (actor: Actor, longestS: number) => {
    const answer = await actor.request('POST', PATH, { ...wanted, topic: 'Refused' })
    const retryAfter = Number(answer.headers.get('retry-after'))
    t.ok(retryAfter > 0 && retryAfter <= longestS, `Retry-After: ${retryAfter}`)
    const { code, message } = await bodyOf(ErrorBody, answer, 503)
    t.match(message, /^the budget of questions to the model is spent for this (hour|day): /)
    return code
  }

  const { id } = await generate(ann)
  const stream = events(ann.get(`${PATH}/${id}/events`))
  const waits = async (actor: Actor, id: string) => (await generation(actor, id)).stage === 'queued'
  t.ok(await eventually(async () => model.questions.length === 3 && (await waits(ann, id)), 20_000))
  const waiting = await generation(ann, id)
  t.match(waiting, { status: 'running', progress: { completed: 2, total: 4 } }, 'finished chapters are kept')
  t.equal(await refused(ann, 3600), 'MODEL_BUDGET_SPENT')
  const key = { 'idempotency-key': 'k' }
  t.equal(await statusOf(ann.request('POST', PATH, { ...wanted, topic: '' }, key)), 400)

  const bob = await register(there, 'bob')
  t.equal(await refused(bob, 3600), 'MODEL_BUDGET_SPENT', 'the budget is shared by all users')

  // The next hour; three of the day's six calls are left.
  await client.$executeRaw`update model_usage set hour = hour - interval '1 hour'`
  const isSameDay = new Date().getUTCHours() > 0
  t.equal((await ended(ann, id)).status, 'completed')
  t.ok(
    (await stream).some((event) => event.generation.stage === 'queued'),
    'the event stream shows that it waits'
  )
  t.equal(model.questions.length, 5)
  if (!isSameDay) return
  const last = await generate(bob, { ...small, topic: 'Last' })
  await until(() => model.questions.length === 6, 20_000)
  t.ok(await eventually(() => waits(bob, last.id), 20_000))
  t.equal(await refused(bob, 86_400), 'MODEL_BUDGET_SPENT')
  t.equal(await statusOf(bob.request('DELETE', `${PATH}/${last.id}`)), 202, 'a waiting generation can be cancelled')
  t.equal(model.questions.length, 6, 'no further call')
}

const budget = { LLM_BUDGET_HOUR: '3', LLM_BUDGET_DAY: '6', GENERATION_CONCURRENCY: '2' }

t.test('the model is called no more often than the budget allows', async (t) => {
  await t.test('by an embedded service', async (t) => {
    const model = await ModelServer.start(t)
    await checkBudget(t, await startService(t, { ...peopleEnvironment, ...model.env, ...budget }), model)
  })

  await t.test('by two processes', async (t) => {
    const { env } = await startStack(t)
    const model = await ModelServer.start(t)
    const all = { ...env, ...model.env, ...budget }
    const other = await spawnFor(t, { ...all, WORKER: 'none' })
    await checkBudget(t, await startService(t, all), model, other.url)
    // By now, this process has refused several generations.
    const told = () => other.output().match(/budget of questions[^\n]*LLM_BUDGET_HOUR/g)?.length ?? 0
    await until(() => told() > 0, 5000)
    t.equal(told(), 1, 'one log line per hour names the remedy')
  })
})

t.test('waiting generations are limited per user and in total', async (t) => {
  const { env } = await startStack(t)
  const model = await ModelServer.start(t)
  model.behaviour = () => new Promise(() => {})
  const limits = { MAX_GENERATIONS_WAITING: '5', MAX_GENERATIONS_WAITING_PER_USER: '3', RATE_LIMIT_GENERATION: '0' }
  const service = await startService(t, { ...env, ...model.env, ...limits })
  const { url } = service
  const [ann, bob, carl] = [await register(url, 'ann'), await register(url, 'bob'), await register(url, 'carl')]
  const many = async (actor: Actor) => {
    const answers = await Promise.all(Array.from({ length: 4 }, () => actor.request('POST', PATH, wanted)))
    return { accepted: answers.filter(({ status }) => status === 202).length, answers }
  }
  const { accepted, answers } = await many(ann)
  t.equal(accepted, 3)
  const refused = answers.find(({ status }) => status === 429)
  t.ok(Number(refused?.headers.get('retry-after')) > 0)
  t.match(await refused?.json(), { code: 'TOO_MANY_GENERATIONS', message: /at most 3/ })
  const others = await Promise.all([many(bob), many(carl)])
  t.equal(others[0].accepted + others[1].accepted, 2, 'concurrent requests do not exceed the limit')
  const full = await carl.request('POST', PATH, wanted)
  t.ok(Number(full.headers.get('retry-after')) > 0)
  t.equal((await bodyOf(ErrorBody, full, 503)).code, 'QUEUE_FULL')
  await cancelAll(service)

  const { database, log } = service.app
  let spent = 0
  const stop = new AbortController()
  const budgets = [1, 2].map(() => new ModelBudget(database.client, { hour: 10, day: 12 }, log))
  const spending = budgets.flatMap((budget) =>
    Array.from({ length: 20 }, async () => {
      await budget.spend(async () => {}, stop.signal)
      spent++
    })
  )
  const settled = Promise.allSettled(spending)
  await until(() => spent >= 10, 5000)
  stop.abort()
  await settled
  t.equal(spent, 10, 'two concurrent processes do not exceed the budget')
})
