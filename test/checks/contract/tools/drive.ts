/**
 * A program with a client generated from the document: registers, lists, enrolls, completes a chapter, generates a course.
 * `node drive.ts <url>`; exits with 1 if an answer does not match its type.
 */
import createClient, { type Middleware } from 'openapi-fetch'
import type { components, paths } from './document.d.ts'

type Course = components['schemas']['Course']
type Generation = components['schemas']['Generation']

const client = createClient<paths>({ baseUrl: process.argv[2] ?? '' })
let cookie = ''
/** Node's `fetch` does not store cookies. */
const session: Middleware = {
  onRequest: ({ request }) => request.headers.set('cookie', cookie),
  onResponse: ({ response }) => {
    const [first] = response.headers.getSetCookie()
    if (first !== undefined) cookie = first.split(';')[0] ?? ''
  }
}
client.use(session)

function ok<T>({ data, error, response }: { data?: T; error?: components['schemas']['Error']; response: Response }): T {
  if (data !== undefined) return data
  throw new Error(`${response.url}: ${response.status} ${error?.code}: ${error?.message}`)
}

const name = `typed-${Date.now()}`
const body = { email: `${name}@example.org`, password: 'a good password', name }
const user = ok(await client.POST('/api/v1/auth/register', { body }))
const courses = ok(await client.GET('/api/v1/courses', { params: { query: { language: 'en', limit: 5 } } }))
const [item] = courses.items
if (item === undefined) throw new Error('no course is listed')
const params = { path: { id: item.id } }
const course: Course = ok(await client.GET('/api/v1/courses/{id}', { params }))
const enrolled = await client.PUT('/api/v1/courses/{id}/enrollment', { params })
if (enrolled.response.status !== 204) throw new Error(`enrolled: ${enrolled.response.status}`)
const chapterId = course.modules[0]?.chapters[0]?.id ?? 0
const progress = ok(
  await client.PUT('/api/v1/users/me/progress/{courseId}/chapters/{chapterId}', {
    params: { path: { courseId: course.id, chapterId } },
    body: { completed: true }
  })
)
if (progress.completed !== 1) throw new Error(`completed: ${progress.completed}`)

const wanted = { topic: 'Chess', level: 'beginner', language: 'en', modules: 1, chaptersPerModule: 2 } as const
let generation: Generation = ok(await client.POST('/api/v1/generation', { body: wanted }))
while (generation.status === 'queued' || generation.status === 'running') {
  await new Promise((resolve) => setTimeout(resolve, 50))
  generation = ok(await client.GET('/api/v1/generation/{id}', { params: { path: { id: generation.id } } }))
}
if (generation.courseId === null) throw new Error(`the generation is ${generation.status}: ${generation.error}`)
const written = ok(await client.GET('/api/v1/courses/{id}', { params: { path: { id: generation.courseId } } }))

const refused = await client.GET('/api/v1/users/{id}', { params: { path: { id: 999_999 } } })
const code: components['schemas']['ErrorCode'] | undefined = refused.error?.code
if (code !== 'NOT_FOUND') throw new Error(`the code is ${code}`)
console.log(`${user.name} completed a chapter of "${course.title}", and has "${written.title}" written`)
