import t from 'tap'
import { Type } from 'typebox'
import { Actor, register } from '../support/actors.ts'
import { parse } from '../support/contract.ts'
import { NEXT_VERSION } from '../support/next-version.ts'
import { startStack } from '../support/people.ts'
import { copyRepository } from '../support/repository-copy.ts'
import { spawnService } from '../support/service.ts'

/** The parts of an answer that are compared. */
const Body = Type.Object({
  id: Type.Optional(Type.Integer()),
  name: Type.Optional(Type.String()),
  length: Type.Optional(Type.Integer()),
  greeting: Type.Optional(Type.String())
})

t.test('two versions on one Redis and one database', async (t) => {
  const { env } = await startStack(t)
  const copy = await copyRepository(NEXT_VERSION)
  t.teardown(copy.remove)
  const both = { ...env, CACHE_L1_LEASE_MS: '0' }
  const now = await spawnService(both)
  t.teardown(() => now.kill('SIGKILL'))
  const next = await spawnService({ ...both, SEED: 'none' }, copy.folder)
  t.teardown(() => next.kill('SIGKILL'))

  const { cookie } = await register(now.url, 'ann')
  const actors = { now: new Actor(now.url, cookie), next: new Actor(next.url, cookie) }
  const read = async (actor: Actor, path: string) => {
    const answer = await actor.get(`/api/v1${path}`)
    return {
      status: answer.status,
      cache: answer.headers.get('x-cache'),
      etag: answer.headers.get('etag'),
      body: parse(Body, await answer.text())
    }
  }
  const visitors = { now: new Actor(now.url), next: new Actor(next.url) }

  await t.test('each version answers in its own shape, whichever was asked first', async (t) => {
    const etags = new Set()
    for (let i = 0; i < 4; i++) {
      for (const version of i % 2 === 0 ? (['now', 'next'] as const) : (['next', 'now'] as const)) {
        const course = await read(visitors[version], '/courses/1')
        t.equal(course.status, 200)
        t.equal(course.body.length !== undefined, version === 'next', `course of ${version}`)
        etags.add(course.etag)
        const account = await read(actors[version], '/users/me')
        t.equal(account.status, 200)
        t.equal(account.body.greeting, version === 'next' ? 'Hello ann' : undefined)
      }
    }
    t.equal(etags.size, 2, 'the shapes have different ETags')
    for (const version of ['now', 'next'] as const)
      t.equal((await read(visitors[version], '/courses/1')).cache, 'HIT', 'from its own copy')
  })

  await t.test('each version sees the writes of the other at once', async (t) => {
    for (let i = 0; i < 6; i++) {
      const [writer, reader] = i % 2 === 0 ? (['now', 'next'] as const) : (['next', 'now'] as const)
      const name = `Ann ${i}`
      const written = await actors[writer].request('PATCH', '/api/v1/users/me', { name })
      t.equal(written.status, 200)
      await written.arrayBuffer()
      for (const version of [reader, writer]) {
        const { status, body } = await read(actors[version], '/users/me')
        t.same([status, body.name, body.greeting], [200, name, version === 'next' ? `Hello ${name}` : undefined])
      }
    }
  })

  await t.test('each version sees course writes of the other at once, and negative entries too', async (t) => {
    const created = await actors.now.request('POST', '/api/v1/courses', {
      title: 'Draft',
      summary: 'S',
      description: 'four',
      level: 'beginner',
      language: 'en'
    })
    t.equal(created.status, 201)
    const { id } = parse(Body, await created.text())
    const status = async (status: string, by: Actor) => {
      const answer = await by.request('PATCH', `/api/v1/courses/${id}`, { status })
      await answer.arrayBuffer()
      t.equal(answer.status, 200)
    }
    for (const [state, by] of [
      ['published', actors.next],
      ['draft', actors.now],
      ['published', actors.now],
      ['draft', actors.next]
    ] as const) {
      for (let i = 0; i < 2; i++)
        for (const version of ['now', 'next'] as const) await read(visitors[version], `/courses/${id}`)
      await status(state, by)
      for (const version of ['now', 'next'] as const) {
        const { status, body } = await read(visitors[version], `/courses/${id}`)
        t.equal(status, state === 'published' ? 200 : 404)
        if (status === 200) t.equal(body.length, version === 'next' ? 4 : undefined)
      }
    }
  })
})
