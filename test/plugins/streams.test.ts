import { once } from 'node:events'
import { connect } from 'node:net'
import t, { type Test } from 'tap'
import { Actor, ADMIN, peopleEnvironment, register, signIn } from '../support/actors.ts'
import { ErrorBody } from '../support/contract.ts'
import { until } from '../support/eventually.ts'
import { cancelAll, generate, PATH } from '../support/generations.ts'
import { ModelServer } from '../support/model-server.ts'
import { bodyOf, OwnUser, spawnFor, startStack, statusOf } from '../support/people.ts'
import { type Service, startService } from '../support/service.ts'

const REPORTS = '/api/v1/admin/cache/events'
/** One heartbeat, plus slack for a busy machine. */
const SOON_MS = 9000
const limits = { MAX_STREAMS_PER_USER: '3', MAX_STREAMS: '8' }

/** An open stream: the text received so far, and whether it has ended. */
class Stream {
  text = ''
  isOver = false
  readonly #gone = new AbortController()

  static async open(actor: Actor, url: string, path: string): Promise<Stream> {
    const stream = new Stream()
    const answer = await fetch(url + path, { headers: { cookie: actor.cookie }, signal: stream.#gone.signal })
    if (answer.status !== 200) throw new Error(`${path}: ${answer.status} ${await answer.text()}`)
    stream.#read(answer).catch(() => {})
    return stream
  }

  async #read({ body }: Response): Promise<void> {
    const decoder = new TextDecoder()
    for await (const chunk of body ?? []) this.text += decoder.decode(chunk, { stream: true })
    this.isOver = true
  }

  close(): void {
    this.#gone.abort()
  }
}

/** Opens streams at `here`, and ends their sessions at `there`, which may be another process. */
async function checkStreams(t: Test, here: Service, there: string, model: ModelServer): Promise<void> {
  const { url, app } = here
  const { client } = app.database
  model.behaviour = () => new Promise(() => {})
  const follow = async (name: string) => {
    const actor = await register(url, name)
    const { id } = await generate(actor, { topic: `Course of ${name}` })
    return { actor, path: `${PATH}/${id}/events`, id }
  }

  await t.test('a stream ends with its session, however that ends, and sends the reason', async (t) => {
    const leaving = await follow('leaving')
    const everywhere = await follow('everywhere')
    const deleted = await follow('deleted')
    const staying = await follow('staying')
    const boss = await register(url, 'boss')
    const { id } = await bodyOf(OwnUser, await boss.get('/api/v1/users/me'))
    const admin = await signIn(url, ADMIN.email, ADMIN.password)
    t.equal(await statusOf(admin.request('PATCH', `/api/v1/users/${id}`, { role: 'admin' })), 200)

    const open = ({ actor, path }: typeof leaving) => Stream.open(actor, url, path)
    const kept = await open(staying)
    const ending = await Promise.all([
      open(leaving),
      open(everywhere),
      open(deleted),
      Stream.open(boss, url, REPORTS)
    ] as const)
    await until(() => ending.every(({ text }) => text.includes('data: ')), 5000)

    const at = (actor: Actor) => new Actor(there, actor.cookie)
    t.equal(await statusOf(at(leaving.actor).request('POST', '/api/v1/auth/logout')), 204)
    t.equal(await statusOf(at(everywhere.actor).request('POST', '/api/v1/auth/logout-everywhere')), 204)
    t.equal(await statusOf(at(admin).request('PATCH', `/api/v1/users/${id}`, { role: 'student' })), 200)
    await client.user.delete({ where: { email: 'deleted@example.org' } })
    const reports = ending[3].text
    // A new event about a generation that only its owner may see.
    await client.generationJob.updateMany({
      where: { id: { in: [leaving.id, staying.id] } },
      data: { stage: 'saving' }
    })

    await until(() => ending.every(({ isOver }) => isOver), SOON_MS)
    const [left, , gone, demoted] = ending
    t.match(left.text, /event: ended\ndata: \{"code":"NOT_SIGNED_IN","message":"[^"]+"\}\n\n$/)
    t.notMatch(left.text, '"saving"', 'no event is sent after the session has ended')
    t.match(ending[1].text, /"NOT_SIGNED_IN"/)
    t.notMatch(gone.text, '"status":"completed"')
    t.match(demoted.text, /event: ended\ndata: \{"code":"ADMINS_ONLY"/)
    t.equal(demoted.text.slice(reports.length).match(/event: report/g), null, 'no further report')
    t.match(kept.text, '"saving"', 'other streams continue')
    t.equal(kept.isOver, false)
    kept.close()
    await until(() => app.streams.taken === 0 && app.generationFeed.followers <= 4, SOON_MS)
  })

  await t.test('streams are limited per user and in total', async (t) => {
    const ann = await follow('ann')
    const refused = async ({ actor, path }: typeof ann, status: number) => {
      const answer = await actor.get(path)
      t.match(answer.headers.get('retry-after'), /^[1-9]\d*$/)
      return (await bodyOf(ErrorBody, answer, status)).code
    }
    const open = ({ actor, path }: typeof ann, count: number) =>
      Promise.all(Array.from({ length: count }, () => Stream.open(actor, url, path)))
    const first = await open(ann, 3)
    t.equal(await refused(ann, 429), 'TOO_MANY_STREAMS')
    const [bob, carl] = [await follow('bob'), await follow('carl')]
    const others = [...(await open(bob, 3)), ...(await open(carl, 2))]
    t.equal(await refused(carl, 503), 'OVERLOADED')
    first[0]?.close()
    await until(() => app.streams.taken === 7, 5000)
    const again = await open(ann, 1)
    for (const stream of [...first, ...others, ...again]) stream.close()
    await until(() => app.streams.taken === 0, 5000)

    const { port, hostname } = new URL(url)
    for (let n = 0; n < 40; n++) {
      const socket = connect(Number(port), hostname)
      socket.on('error', () => {})
      socket.end(`GET ${ann.path} HTTP/1.1\r\nHost: x\r\nCookie: ${ann.actor.cookie}\r\n\r\n`, () => {
        setTimeout(() => socket.destroy(), n / 4)
      })
      await once(socket, 'close')
    }
    await until(() => app.streams.taken === 0 && app.generationFeed.followers <= 4, 5000)
    for (const stream of await open(ann, 3)) stream.close()
  })

  await cancelAll(here)
}

t.test('streams of events, embedded', async (t) => {
  const model = await ModelServer.start(t)
  const service = await startService(t, { ...peopleEnvironment, ...model.env, ...limits })
  await checkStreams(t, service, service.url, model)
})

t.test('streams of events, where their sessions end on another process', async (t) => {
  const { env } = await startStack(t)
  const model = await ModelServer.start(t)
  const service = await startService(t, { ...env, ...model.env, ...limits })
  const other = await spawnFor(t, { ...env, WORKER: 'none' })
  await checkStreams(t, service, other.url, model)
})
