import t from 'tap'
import { Actor, ADMIN, draftOf, register, signIn } from '../support/actors.ts'
import { Category, CoursePage } from '../support/contract.ts'
import { bodyOf, spawnFor, startStack, statusOf } from '../support/people.ts'

t.test('searches on all processes show an acknowledged write at once', async (t) => {
  const stack = await startStack(t)
  const env = { ...stack.env, CACHE_L1_LEASE_MS: '0' }
  const one = await spawnFor(t, env)
  const other = await spawnFor(t, env)
  const ann = await register(one.url, 'ann')
  const boss = await signIn(one.url, ADMIN.email, ADMIN.password)
  const { id, chapterId } = await draftOf(ann)
  const path = `/api/v1/courses/${id}`
  const items = (search: string) => {
    const pages = [one, other].map(async ({ url }) => {
      const answer = await new Actor(url).get(`/api/v1/courses?search=${search}`)
      return (await bodyOf(CoursePage, answer)).items
    })
    return Promise.all(pages)
  }
  const found = async (search: string) => (await items(search)).map((items) => items.map(({ id }) => id))
  const write = async (target: string, body: object) =>
    t.equal(await statusOf(boss.request('PATCH', target, body)), 200)

  await write(`${path}/chapters/${chapterId}`, { content: 'xylophone0' })
  t.same(await found('xylophone0'), [[], []], 'a draft is not found')
  await write(path, { status: 'published' })
  t.same(await found('xylophone0'), [[id], [id]])
  for (let i = 1; i <= 20; i++) {
    t.same(await found(`xylophone${i}`), [[], []])
    await write(`${path}/chapters/${chapterId}`, { content: `xylophone${i}` })
    t.same(await found(`xylophone${i}`), [[id], [id]], 'the new word')
    t.same(await found(`xylophone${i - 1}`), [[], []], 'the old one')
  }
  await write(path, { status: 'draft' })
  t.same(await found('xylophone20'), [[], []])
  await write(path, { status: 'published' })
  t.same(await found('xylophone20'), [[id], [id]])

  for (let i = 0; i < 5; i++) {
    await write(path, { title: `Trombone${i}` })
    t.same(await found(`trombone${i}`), [[id], [id]])
    t.same(
      (await items('xylophone20')).map((items) => items.map(({ title }) => title)),
      [[`Trombone${i}`], [`Trombone${i}`]]
    )
  }

  const category = { slug: 'winds', name: 'Winds', description: '' }
  const answer = await boss.request('POST', '/api/v1/categories', category)
  const { id: categoryId } = await bodyOf(Category, answer, 201)
  await write(path, { categoryId })
  const names = async () => (await items('xylophone20')).map((items) => items.map(({ category }) => category?.name))
  t.same(await names(), [['Winds'], ['Winds']])
  await write('/api/v1/categories/winds', { name: 'Brass' })
  t.same(await names(), [['Brass'], ['Brass']])

  t.equal(await statusOf(boss.request('DELETE', path)), 204)
  t.same(await found('xylophone20'), [[], []])
})

t.test('decomposed letters are stored composed', async (t) => {
  const { env } = await startStack(t)
  const { url } = await spawnFor(t, env)
  const ann = await register(url, 'ann')
  const { id, moduleId } = await draftOf(ann)
  const text = 'Йод и ёжик'
  const decomposed = text.normalize('NFD')
  const path = `/api/v1/courses/${id}`
  const stored = async (answer: Promise<Response>) => JSON.stringify(await (await answer).json())
  const answers = [
    await stored(
      ann.request('PATCH', path, { title: decomposed, summary: decomposed, description: `${decomposed}\n` })
    ),
    await stored(ann.request('PATCH', `${path}/modules/${moduleId}`, { title: decomposed, summary: decomposed })),
    await stored(
      ann.request('POST', `${path}/modules/${moduleId}/chapters`, { title: decomposed, content: `${decomposed}\n` })
    ),
    await stored(ann.request('PATCH', '/api/v1/users/me', { name: decomposed, bio: decomposed }))
  ]
  for (const answer of answers) {
    t.ok(answer.includes(text), answer)
    t.notOk(answer.includes(decomposed))
  }
})
