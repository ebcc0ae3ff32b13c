import t from 'tap'
import { peopleEnvironment, register } from '../support/actors.ts'
import { until } from '../support/eventually.ts'
import { ended, events, generate, generation, PATH } from '../support/generations.ts'
import { type Behaviour, ModelServer } from '../support/model-server.ts'
import { spawnFor, startStack } from '../support/people.ts'
import { startService } from '../support/service.ts'

/** Answers the first call in the given way, and later calls like a good model. */
function once(behaviour: Behaviour): Behaviour {
  let asked = 0
  return (question, response) => (asked++ === 0 ? behaviour(question, response) : null)
}

t.test('a model that fails occasionally', async (t) => {
  const model = await ModelServer.start(t)
  const env = { ...peopleEnvironment, ...model.env, RATE_LIMIT_GENERATION: '0', LLM_TIMEOUT: '1' }
  const { url, app } = await startService(t, env)
  const ann = await register(url, 'ann')
  const written = async (topic: string) => ended(ann, (await generate(ann, { topic })).id)
  const asked = () => model.questions.splice(0).map(({ what }) => what)
  const expected = ['outline', '1.1', '1.2', '2.1', '2.2']

  await t.test('with good answers each part is requested once, and the usage is recorded', async (t) => {
    const { id, status, error } = await written('Good')
    t.match({ status, error }, { status: 'completed', error: null })
    t.ok(model.questions.every(({ authorization }) => authorization === 'Bearer sk-secret-of-tests'))
    t.same(asked().sort(), expected.sort())
    const job = await app.database.client.generationJob.findUniqueOrThrow({ where: { id } })
    t.match(job, { promptTokens: 500, completionTokens: 250 })
    const metrics = await app.metrics.metrics()
    t.match(metrics, /^aikademiya_model_questions_total 5$/m)
    t.match(metrics, /^aikademiya_model_tokens_total\{kind="prompt"\} 500$/m)
    t.match(metrics, /^aikademiya_model_tokens_total\{kind="completion"\} 250$/m)
  })

  await t.test('repeating the same request calls no model', async (t) => {
    const { id, status } = await written('Good')
    t.equal(status, 'completed')
    t.same(asked(), [])
    t.match(await app.database.client.generationJob.findUniqueOrThrow({ where: { id } }), { promptTokens: 0 })
  })

  const bad: Record<string, Behaviour> = {
    'no JSON': () => '{"title": "cut o',
    'JSON of another shape': () => '{"answer": 42}',
    'too few modules': () => '{"title":"T","summary":"S","description":"D","modules":[]}'
  }
  for (const [what, behaviour] of Object.entries(bad)) {
    await t.test(`${what} is reported to the model, which answers again`, async (t) => {
      model.behaviour = once(behaviour)
      t.equal((await written(what)).status, 'completed')
      const repair = model.questions[1]?.messages ?? []
      t.same(
        repair.map(({ role }) => role),
        ['system', 'user', 'assistant', 'user']
      )
      t.match(repair[3]?.content, /not in the requested form: \S+/)
      t.equal(asked().length, expected.length + 1)
    })
  }

  await t.test('a busy model is called again after Retry-After, and not before', async (t) => {
    const times: number[] = []
    const busy = once((_question, response) => {
      response.writeHead(429, { 'retry-after': '2' }).end('{"error":{"message":"slow down"}}')
      return null
    })
    model.behaviour = (question, response) => {
      times.push(performance.now())
      return busy(question, response)
    }
    t.equal((await written('Busy')).status, 'completed')
    const [first = 0, second = 0] = times
    t.ok(second - first >= 1990, `${second - first} ms`)
    asked()
  })

  await t.test('a call is retried after a 500 or a missing answer', async (t) => {
    model.behaviour = once((_question, response) => {
      response.writeHead(500).end('{"error":{"message":"sorry"}}')
      return null
    })
    t.equal((await written('Failing')).status, 'completed')
    model.behaviour = once(() => new Promise(() => {}))
    t.equal((await written('Hanging')).status, 'completed')
    asked()
  })

  await t.test('repeatedly malformed answers fail with a reason; good answers are kept for the next try', async (t) => {
    model.behaviour = ({ what }) => (what === '2.1' ? '{"minutes": 5}' : null)
    const failed = await written('Wrong')
    t.match(failed, { status: 'failed', courseId: null, error: /no usable text/, errorCode: 'MODEL_BAD_ANSWER' })
    const paid = asked()
    t.equal(paid.filter((what) => what === '2.1').length, 3)
    const job = await app.database.client.generationJob.findUniqueOrThrow({ where: { id: failed.id } })
    t.equal(job.promptTokens, 100 * paid.length, 'useless answers count in the usage too')
    t.same((await events(ann.get(`${PATH}/${failed.id}/events`))).at(-1)?.generation, failed)

    model.behaviour = () => null
    t.equal((await written('Wrong')).status, 'completed')
    t.notOk(asked().includes('outline'), 'the outline is not requested again')
  })

  const html: Behaviour = (_question, response) => {
    response.writeHead(200, { 'content-type': 'text/html' }).end('<h1>Welcome</h1>')
    return null
  }
  const otherwise: Record<string, Behaviour> = {
    'a page instead of an answer': html,
    'an answer that breaks off': (_question, response) => {
      response.writeHead(200, { 'content-type': 'application/json' }).write('{"choices": [')
      setTimeout(() => response.destroy(), 20)
      return null
    },
    'an answer without an end': (_question, response) => {
      response.writeHead(200, { 'content-type': 'application/json' })
      const more = () => {
        while (!response.destroyed && response.write('x'.repeat(1 << 20))) {}
      }
      response.on('drain', more)
      more()
      return null
    },
    'JSON that is no answer': (_question, response) => {
      response.writeHead(200, { 'content-type': 'application/json' }).end('{"error": {"message": "no"}}')
      return null
    }
  }
  for (const [what, behaviour] of Object.entries(otherwise)) {
    await t.test(`${what}: the call is retried`, async (t) => {
      model.behaviour = once(behaviour)
      t.equal((await written(what)).status, 'completed')
      asked()
    })
  }

  await t.test('persistently broken answers fail within seconds, with a reason', async (t) => {
    model.behaviour = html
    t.match(await written('Pages'), { status: 'failed', errorCode: 'MODEL_BAD_ANSWER' })
    t.equal(asked().length, 3)
  })

  await t.test('text that PostgreSQL cannot store neither fails a run nor is kept', async (t) => {
    const plan = { title: 'T\ud800', summary: 'S', description: 'D' }
    const modules = [1, 2].map(() => ({ title: 'M', summary: '', chapters: [{ title: 'C' }, { title: 'C' }] }))
    model.behaviour = ({ what }) => (what === 'outline' ? JSON.stringify({ ...plan, modules }) : null)
    const half = await written('Half a character')
    t.match(half, { status: 'completed', outline: { title: 'T\ufffd' } })

    model.behaviour = () => JSON.stringify({ title: 'T', ['x\u0000'.repeat(1000)]: 1 })
    const failed = await written('NUL in a name')
    t.match(failed, { status: 'failed', errorCode: 'MODEL_BAD_ANSWER' })
    asked()
  })

  await t.test('every failure has a code, and a message in the language of the course', async (t) => {
    for (const [status, errorCode, en, ru] of [
      [400, 'MODEL_MISCONFIGURED', /settings of this platform/, /настройки платформы/],
      [402, 'MODEL_UNPAID', /platform's quota/, /Квота платформы/]
    ] as const) {
      model.behaviour = (_question, response) => {
        response.writeHead(status).end('{"error":{"message":"the schema is too deep"}}')
        return null
      }
      for (const [language, error] of [
        ['en-GB', en],
        ['ru', ru]
      ] as const) {
        const { id } = await generate(ann, { topic: `Status ${status}`, language })
        t.match(await ended(ann, id), { status: 'failed', error, errorCode })
      }
    }
  })
})

t.test('the API key of the model is in no answer and no log line', async (t) => {
  const model = await ModelServer.start(t)
  const { env } = await startStack(t)
  const service = await spawnFor(t, { ...env, ...model.env, LOG_LEVEL: 'trace' })
  const ann = await register(service.url, 'ann')
  model.behaviour = (_question, response) => {
    response.writeHead(401).end('{"error":{"message":"wrong key sk-secret-of-tests"}}')
    return null
  }
  const { id } = await generate(ann)
  await until(async () => (await generation(ann, id)).status === 'failed', 10_000)
  const answer = await generation(ann, id)
  t.equal(answer.errorCode, 'MODEL_KEY')
  await service.kill('SIGTERM')
  t.match(service.output(), /generation failed/)
  t.match(service.output(), /rejects the API key/)
  t.notMatch(service.output() + JSON.stringify(answer), /sk-secret/)
})
