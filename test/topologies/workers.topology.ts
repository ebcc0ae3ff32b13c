import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import t, { type Test } from 'tap'
import { register, signIn } from '../support/actors.ts'
import { Course, Health, parse } from '../support/contract.ts'
import { until } from '../support/eventually.ts'
import { ended, Generation, generate, generation, PATH, spawnWorker } from '../support/generations.ts'
import { ModelServer, token } from '../support/model-server.ts'
import { bodyOf, startStack } from '../support/people.ts'
import { copyRepository } from '../support/repository-copy.ts'
import { startService } from '../support/service.ts'

const CHAPTERS = 20

/** The previous version runs the entries of its only queue, by the id of the entry. */
const VERSION_BEFORE = [
  {
    file: 'src/generation/queue.ts',
    text: 'await run({ id: data.id, attempt: (data.firstAttempt ?? 0) + tries, tries, signal })',
    becomes: 'await run({ id: job.id, attempt: tries, tries, signal })'
  },
  {
    file: 'src/generation/queue.ts',
    text: 'await this.#boss.work(AGAIN_QUEUE, { ...options, localConcurrency: again }, take)',
    becomes: ''
  },
  { file: 'src/generation/queue.ts', text: 'registerInstance: works', becomes: 'registerInstance: false' },
  { file: 'plugins/app/generation.ts', text: 'lostEntries.start()', becomes: '' }
]

t.test('a generation of 20 chapters survives failures', async (t) => {
  const { env, redis, postgres } = await startStack(t)
  const model = await ModelServer.start(t)
  const shared = { ...env, ...model.env, GENERATION_CONCURRENCY: '3' }
  const { url, app } = await startService(t, { ...shared, WORKER: 'none' })
  let ann = await register(url, 'ann')
  // They must outlive the subtest that starts them.
  const startWorker = async (concurrency = '3') => {
    const worker = await spawnWorker({ ...shared, WORKER_PORT: '0', GENERATION_CONCURRENCY: concurrency })
    t.teardown(() => worker.kill('SIGKILL'))
    return worker
  }
  const ready = async () => parse(Health, await (await fetch(`${url}/health/ready`)).text())
  t.match(await ready(), { status: 'degraded', checks: { queue: 'no-workers' } }, 'no worker would run a generation')
  let worker = await startWorker('1')
  await until(async () => (await ready()).status === 'ok', 5000)

  /** A generation with at least seven finished chapters, whose next answers wait for `go`. */
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

  await t.test('a worker has health and metrics routes, and no API', async (t) => {
    const [, origin] = /Server listening at (http:\/\/127\.0\.0\.1:\d+)/.exec(worker.output()) ?? []
    t.match(await (await fetch(`${origin}/health/ready`)).json(), { status: 'ok' })
    t.match(await (await fetch(`${origin}/metrics`)).text(), 'aikademiya_')
    for (const path of ['/api/v1/courses', '/admin/redis-stats/', '/']) {
      const answer = await fetch(origin + path)
      t.equal(answer.status, 404, path)
      await answer.arrayBuffer()
    }
  })

  await t.test('another worker takes over within 30 s when one dies during a chapter', async (t) => {
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
    t.equal(model.questions.length, CHAPTERS + 2, 'only calls in progress are repeated')
    worker = other
  })

  await t.test('Redis loses all its data', async (t) => {
    const { id, go } = await halfWritten('Flushed')
    const client = new Redis(redis.url)
    await client.flushall()
    client.disconnect()
    go()
    // The sessions were lost too.
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

  await t.test('a stopping worker returns its generation to the queue at once', async (t) => {
    const { id, go } = await halfWritten('Stopped')
    const other = await startWorker()
    const stopping = worker.kill('SIGTERM')
    go()
    t.equal(await stopping, 0)
    await isWhole(t, id)
    await other.kill('SIGTERM')
  })

  await t.test('a generation that no run can finish fails with a reason', async (t) => {
    const { id } = await generate(ann, { topic: 'Deadly' })
    // As if it had crashed ten workers.
    await app.database.client.$executeRaw`update pgboss.job set retry_count = 10 where id = ${id}::uuid`
    const last = await startWorker()
    t.match(await ended(ann, id), { status: 'failed', error: /gave up/, errorCode: 'GAVE_UP' })
    await last.kill('SIGTERM')
  })

  await t.test('during a release, entries that older workers cannot run wait for a newer worker', async (t) => {
    model.behaviour = () => null
    const { client } = app.database
    // As if the last worker had stopped long ago.
    await client.$executeRaw`update pgboss.queue set monitor_claim_on = null, monitor_on = null`
    await until(async () => (await ready()).checks.queue === 'no-workers', 5000)
    const copy = await copyRepository(VERSION_BEFORE)
    t.teardown(copy.remove)
    const before = await spawnWorker(shared, copy.folder)
    t.teardown(() => before.kill('SIGKILL'))
    const small = { modules: 1, chaptersPerModule: 1 }
    const { id } = await generate(ann, { topic: 'Released', ...small })
    const { courseId } = await ended(ann, id)
    const course = await bodyOf(Course, await ann.get(`/api/v1/courses/${courseId}`))
    const chapter = `/api/v1/courses/${courseId}/chapters/${course.modules[0]?.chapters[0]?.id}`
    const again = await bodyOf(Generation, await ann.request('POST', `${chapter}/regenerate`), 202)
    const { id: retried } = await generate(ann, { topic: 'Retried', ...small })
    await ann.request('DELETE', `${PATH}/${retried}`)
    await ann.request('POST', `${PATH}/${retried}/retry`)
    // The queue is processed in order: earlier entries have been taken, or skipped, once this one ends.
    const { id: last } = await generate(ann, { topic: 'Last', ...small })
    t.equal((await ended(ann, last)).status, 'completed')
    t.same(await Promise.all([again.id, retried].map((id) => generation(ann, id).then(({ status }) => status))), [
      'queued',
      'queued'
    ])
    // It does not register, but is seen.
    await until(async () => (await ready()).checks.queue === 'up', 10_000)
    const [waiting] = await client.$queryRaw<[{ count: number }]>`
      select count(*)::int as count from pgboss.job where data->>'id' in (${again.id}, ${retried}) and state = 'created'`
    t.equal(waiting.count, 2, 'no worker has taken their entries')
    await before.kill('SIGTERM')

    const { id: lost } = await generate(ann, { topic: 'Lost', ...small })
    await client.$executeRaw`delete from pgboss.job where id = ${lost}::uuid`
    await client.$executeRaw`
      update generation_job set updated_at = now() - interval '2 minutes' where id = ${lost}::uuid`
    const later = await Promise.all([startWorker(), startWorker()])
    for (const id of [again.id, retried, lost]) t.equal((await ended(ann, id)).status, 'completed')
    const [entries] = await client.$queryRaw<[{ count: number }]>`
      select count(*)::int as count from pgboss.job where data->>'id' = ${lost}`
    t.equal(entries.count, 1, 'a lost entry is recreated once')
    await Promise.all(later.map((worker) => worker.kill('SIGTERM')))
  })

  await t.test('a process that may not migrate reports a missing queue', async (t) => {
    await app.database.client.$executeRaw`delete from pgboss.job where name = 'generation-again'`
    await app.database.client.$executeRaw`delete from pgboss.queue where name = 'generation-again'`
    await t.rejects(spawnWorker({ ...shared, MIGRATE: 'none' }), {
      message: /MIGRATE=none, and the job queue: Queue generation-again does not exist; npm run migrate/
    })
  })

  /** Completed, every chapter answered once, and one course with all of them. */
  async function isWhole(t: Test, id: string): Promise<void> {
    const over = await ended(ann, id)
    t.match(over, { status: 'completed', error: null })
    t.equal(model.counts().size, CHAPTERS + 1)
    t.same(
      [...model.counts()].filter(([, count]) => count !== 1),
      [],
      'no chapter is answered twice'
    )
    const title = `Course of ${over.topic}`
    t.equal(await app.database.client.course.count({ where: { title } }), 1)
    const course = await bodyOf(Course, await ann.get(`/api/v1/courses/${over.courseId}`))
    t.match(course, { title, moduleCount: 4, chapterCount: CHAPTERS })
  }
})
