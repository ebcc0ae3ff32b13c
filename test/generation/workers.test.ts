import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import t, { type Test } from 'tap'
import { register, signIn } from '../support/actors.ts'
import { Course, Health, parse } from '../support/contract.ts'
import { until } from '../support/eventually.ts'
import { ended, generate, generation, spawnWorker } from '../support/generations.ts'
import { ModelServer, token } from '../support/model-server.ts'
import { bodyOf, startStack } from '../support/people.ts'
import { startService } from '../support/service.ts'

const CHAPTERS = 20

t.test('20 chapters, and something dies in the middle', async (t) => {
  const { env, redis, postgres } = await startStack(t)
  const model = await ModelServer.start(t)
  const shared = { ...env, ...model.env, GENERATION_CONCURRENCY: '3' }
  const { url, app } = await startService(t, { ...shared, WORKER: 'none' })
  let ann = await register(url, 'ann')
  // They outlive the subtest that starts them.
  const startWorker = async (concurrency = '3') => {
    const worker = await spawnWorker({ ...shared, WORKER_PORT: '0', GENERATION_CONCURRENCY: concurrency })
    t.teardown(() => worker.kill('SIGKILL'))
    return worker
  }
  const ready = async () => parse(Health, await (await fetch(`${url}/health/ready`)).text())
  t.match(await ready(), { status: 'degraded', checks: { queue: 'no-workers' } }, 'nobody would run a generation')
  let worker = await startWorker('1')
  await until(async () => (await ready()).status === 'ok', 5000)

  /** A generation that has at least seven chapters, and whose next answers wait for `go`. */
  async function halfWritten(topic: string): Promise<{ id: string; completed: number; go: () => void }> {
    const gate = Promise.withResolvers<void>()
    model.answered.length = 0
    model.behaviour = async ({ what, good }, response) => {
      if (model.answered.length < 8) return null
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write(token(good.slice(0, 100)))
      await gate.promise
      response.write(token(good.slice(100)))
      response.end('data: [DONE]\n\n')
      if (!response.destroyed) model.answered.push(what)
      return null
    }
    const { id } = await generate(ann, { topic, modules: 4, chaptersPerModule: 5 })
    await until(async () => (await generation(ann, id)).progress.completed >= 7, 20_000)
    await sleep(200)
    const { completed } = (await generation(ann, id)).progress
    return { id, completed, go: gate.resolve }
  }

  await t.test('a worker answers monitoring, and has no API', async (t) => {
    const [, origin] = /Server listening at (http:\/\/127\.0\.0\.1:\d+)/.exec(worker.output()) ?? []
    t.match(await (await fetch(`${origin}/health/ready`)).json(), { status: 'ok' })
    t.match(await (await fetch(`${origin}/metrics`)).text(), 'aikademiya_')
    for (const path of ['/api/v1/courses', '/admin/redis-stats/', '/']) {
      const answer = await fetch(origin + path)
      t.equal(answer.status, 404, path)
      await answer.arrayBuffer()
    }
  })

  await t.test('the worker, while a chapter streams: another one takes over within 30 s', async (t) => {
    model.questions.length = 0
    const { id, completed, go } = await halfWritten('Killed')
    const other = await startWorker()
    await worker.kill('SIGKILL')
    const killed = performance.now()
    go()
    await until(async () => (await generation(ann, id)).progress.completed > completed, 40_000)
    const tookOver = performance.now() - killed
    t.ok(tookOver < 30_000, `${Math.round(tookOver)} ms`)
    await isWhole(t, id)
    t.equal(model.questions.length, CHAPTERS + 2, 'what was under way is all that is asked again')
    worker = other
  })

  await t.test('Redis loses everything', async (t) => {
    const { id, go } = await halfWritten('Flushed')
    const client = new Redis(redis.url)
    await client.flushall()
    client.disconnect()
    go()
    // Sessions were in it, too.
    ann = await signIn(url, 'ann@example.org', 'password of ann')
    await isWhole(t, id)
  })

  await t.test('PostgreSQL is restarted', async (t) => {
    const { id, go } = await halfWritten('Restarted')
    await postgres.shutDown()
    go()
    await sleep(1000)
    await postgres.resume()
    await until(async () => (await fetch(`${url}/health/ready`)).ok, 10_000)
    await isWhole(t, id)
  })

  await t.test('a worker that is asked to stop gives its generation back at once', async (t) => {
    const { id, go } = await halfWritten('Stopped')
    const other = await startWorker()
    const stopping = worker.kill('SIGTERM')
    go()
    t.equal(await stopping, 0)
    await isWhole(t, id)
    await other.kill('SIGTERM')
  })

  await t.test('a generation that no run can finish fails, with a reason', async (t) => {
    const { id } = await generate(ann, { topic: 'Deadly' })
    // As if ten workers had died of it.
    await app.database.client.$executeRaw`update pgboss.job set retry_count = 10 where id = ${id}::uuid`
    const last = await startWorker()
    t.match(await ended(ann, id), { status: 'failed', error: /gave up/, errorCode: 'GAVE_UP' })
    await last.kill('SIGTERM')
  })

  /** Completed, every chapter answered once, and one course with all of them. */
  async function isWhole(t: Test, id: string): Promise<void> {
    const over = await ended(ann, id)
    t.match(over, { status: 'completed', error: null })
    t.equal(model.counts().size, CHAPTERS + 1)
    t.same(
      [...model.counts()].filter(([, count]) => count !== 1),
      [],
      'nothing is answered twice'
    )
    const title = `Course of ${over.topic}`
    t.equal(await app.database.client.course.count({ where: { title } }), 1)
    const course = await bodyOf(Course, await ann.get(`/api/v1/courses/${over.courseId}`))
    t.match(course, { title, moduleCount: 4, chapterCount: CHAPTERS })
  }
})
