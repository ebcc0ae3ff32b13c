import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { type Actor, draftOf, peopleEnvironment, register } from '../support/actors.ts'
import { Course } from '../support/contract.ts'
import { send } from '../support/http.ts'
import { bodyOf, OwnUser } from '../support/people.ts'
import { startService } from '../support/service.ts'
import { type SharedCache, startNginx, startVarnish } from '../support/shared-caches.ts'

const WRITES = 40
const READERS = 4

/** The requests that reached the service through the cache, such as `GET 304`. */
const asked: string[] = []

const service = await startService(t, { ...peopleEnvironment, TRUST_PROXY: '1' })
// Hooks do not run for answers of the front door.
service.app.server.on('request', ({ method }, response) => {
  response.on('finish', () => asked.push(`${method} ${response.statusCode}`))
})

const caches: [string, boolean, () => Promise<SharedCache>][] = [
  ['nginx', true, () => startNginx(t, [service.url])],
  ['Varnish', true, () => startVarnish(t, service.url, 'ops/varnish.vcl')],
  ['Varnish by default', false, () => startVarnish(t, service.url, null)]
]
for (const [name, keeps, start] of caches) {
  await t.test(name, async (t) => behaviour(t, await start(), keeps, name.replaceAll(' ', '-').toLowerCase()))
}

async function behaviour(t: Test, { url, folder }: SharedCache, keeps: boolean, name: string): Promise<void> {
  const author = await register(url, `author-${name}`)
  const other = await register(url, `other-${name}`)
  const { id } = await draftOf(author, 'First title')
  const path = `/api/v1/courses/${id}`
  const change = async (by: Actor, body: object) => bodyOf(Course, await by.request('PATCH', path, body))
  const visit = (headers: Record<string, string> = {}) => send(url + path, { headers })
  const during = async (task: () => Promise<unknown>) => {
    asked.length = 0
    await task()
    return [...asked]
  }

  await t.test('a course is visible as soon as it is published', async (t) => {
    for (let i = 0; i < 3; i++) t.equal((await visit()).status, 404)
    t.equal((await author.get(path)).status, 200, 'its author sees the draft')
    t.equal((await other.get(path)).status, 404)
    t.equal((await visit()).status, 404, 'other clients do not')
    await change(author, { status: 'published' })
    t.equal((await visit()).status, 200)
    await change(author, { status: 'draft' })
    t.equal((await visit()).status, 404)
    t.equal((await author.get(path)).status, 200)
    await change(author, { status: 'published' })
  })

  await t.test(
    keeps ? 'stored answers are revalidated, and served by the cache' : 'every request reaches the service',
    async (t) => {
      const first = await visit()
      const answers = await during(async () => {
        for (let i = 0; i < 3; i++) t.same([(await visit()).status, (await visit()).body], [200, first.body])
      })
      t.strictSame(answers, Array(6).fill(keeps ? 'GET 304' : 'GET 200'))
    }
  )

  await t.test('a client with a current ETag gets 304', async (t) => {
    for (const encoding of ['identity', 'gzip', 'br']) {
      const { headers } = await visit({ 'accept-encoding': encoding })
      const again = await visit({ 'accept-encoding': encoding, 'if-none-match': headers.get('etag') ?? '' })
      t.same([again.status, again.body], [304, ''], encoding)
    }
  })

  await t.test('encodings are not mixed up', async (t) => {
    const bodies = []
    for (const encoding of ['identity', 'gzip', 'br', 'gzip, br', 'identity', 'br']) {
      const { status, body } = await visit({ 'accept-encoding': encoding })
      t.equal(status, 200)
      bodies.push(body)
    }
    t.equal(new Set(bodies).size, 1)
    const foreign = await visit({ origin: 'https://elsewhere.example' })
    t.equal(foreign.headers.get('access-control-allow-origin'), null)
  })

  await t.test('a read that begins after a write sees the write', async (t) => {
    let acknowledged = 0
    let reads = 0
    let stop = false
    const versionOf = (body: string) => Number(/"title":"Version (\d+)"/.exec(body)?.[1])
    await change(author, { title: 'Version 0' })
    const reading = Array.from({ length: READERS }, async (_, reader) => {
      while (!stop) {
        const least = acknowledged
        const { status, body } = await visit({ 'accept-encoding': reader % 2 === 0 ? 'gzip' : 'identity' })
        if (status !== 200 || !(versionOf(body) >= least)) t.fail(`${status}: ${versionOf(body)} after ${least}`)
        reads++
      }
    })
    for (let version = 1; version <= WRITES; version++) {
      await change(author, { title: `Version ${version}` })
      acknowledged = version
      const { body } = await visit()
      t.equal(versionOf(body), version)
    }
    stop = true
    await Promise.all(reading)
    t.ok(reads >= WRITES, `${reads} reads`)
  })

  await t.test('a list has a course that was just published', async (t) => {
    const list = async () => (await send(`${url}/api/v1/courses?author=${(await me(author)).id}`)).body
    t.match(await list(), `Version ${WRITES}`)
    await change(author, { title: 'Renamed' })
    t.match(await list(), 'Renamed')
  })

  await t.test('private answers are not stored by the cache', async (t) => {
    for (let i = 0; i < 3; i++) {
      t.equal((await me(author)).name, `author-${name}`)
      t.equal((await me(other)).name, `other-${name}`)
      t.equal((await send(`${url}/api/v1/users/me`)).status, 401)
    }
    t.equal((await send(`${url}/api/v1/auth/session`)).status, 401, 'Set-Cookie is not stored either')
    if (folder === null) return
    const kept = await Promise.all((await filesOf(folder)).map((file) => readFile(file, 'latin1')))
    t.ok(
      kept.some((text) => text.includes('Renamed')),
      'public answers are in its files'
    )
    t.notOk(
      kept.some((text) => /example\.org|set-cookie|"email"/i.test(text)),
      'private answers are not'
    )
  })

  await t.test('a change with If-Match works through the cache', async (t) => {
    const { headers } = await visit({ 'accept-encoding': 'gzip' })
    const condition = { 'if-match': headers.get('etag') ?? '' }
    t.equal((await author.request('PATCH', path, { title: 'By tag' }, condition)).status, 200)
    t.equal((await author.request('PATCH', path, { title: 'Again' }, condition)).status, 412)
    t.match((await visit()).body, 'By tag')
  })

  async function me(by: Actor) {
    return bodyOf(OwnUser, await by.get('/api/v1/users/me'))
  }
}

async function filesOf(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  return entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name))
}
