import { admin, draftOf, peopleEnvironment, register } from './actors.ts'
import { Chapter, Course } from './contract.ts'
import { until } from './eventually.ts'
import { Generation, generate, PATH } from './generations.ts'
import { bodyOf } from './people.ts'
import type { Service } from './service.ts'

/** The environment of the service. */
export const examplesEnvironment = { ...peopleEnvironment }

const MAX_TEXT = 120
const MAX_ITEMS = 2

type Json = Record<string, unknown>

/**
 * Answers of a seeded service, by the name of their OpenAPI schema, shortened: texts are cut, and lists have two items.
 */
export async function takeExamples(service: Service): Promise<Json> {
  const boss = await admin(service)
  const ann = await register(service.url, 'ann')
  const get = async (path: string, by = ann) => (await by.get(`/api/v1${path}`)).json()
  const course = await bodyOf(Course, await ann.get('/api/v1/courses/1'))
  const [module] = course.modules
  const draft = await draftOf(ann, 'A draft')
  await ann.request('PUT', '/api/v1/courses/1/enrollment')
  const chapter = await bodyOf(Chapter, await ann.get(`/api/v1/courses/1/chapters/${module?.chapters[0]?.id}`))
  await ann.request('PUT', `/api/v1/users/me/progress/1/chapters/${chapter.id}`, { completed: true })
  const { id } = await generate(ann, { modules: 1 })
  const generation = async () => bodyOf(Generation, await ann.get(`${PATH}/${id}`))
  await until(async () => (await generation()).status === 'completed', 10_000)
  const token = await ann.request('POST', '/api/v1/auth/tokens', { name: 'backup', scopes: ['read'] })
  const notThere = await ann.get('/api/v1/courses/999999')
  const categories = await get('/categories')
  const examples: Json = {
    AccountExport: await get('/users/me/export'),
    AccountRemoval: { password: 'password of ann' },
    AccessTokenList: await get('/auth/tokens'),
    AdminSessionPage: await get('/admin/sessions?limit=2', boss),
    CacheEntry: await get('/admin/cache/entry?key=api:categories', boss),
    CacheHistory: await get('/admin/cache/history', boss),
    CacheKeyPage: await get('/admin/cache/keys?limit=2', boss),
    CacheMemory: {
      at: '2026-11-27T12:00:00.000Z',
      sampled: 3,
      prefixes: [{ prefix: 'course', keys: 3, bytes: 21_840 }],
      largest: [{ key: 'course:1:modules', bytes: 9400 }]
    },
    CacheReport: await get('/admin/cache', boss),
    Category: await get('/categories/data'),
    CategoryList: categories,
    Chapter: chapter,
    Completion: { completed: true },
    Course: course,
    CoursePage: await get('/courses?language=en&limit=2'),
    Credentials: { email: 'ann@example.org', password: 'password of ann' },
    EnrolledCoursePage: await get('/users/me/courses'),
    EmailChange: { email: 'ann@new.example', password: 'password of ann' },
    Error: await notThere.json(),
    FinishedChapterList: await get(`/generation/${id}/chapters`),
    ForgottenPassword: { email: 'ann@example.org' },
    Generation: await generation(),
    GenerationPage: await get('/generation'),
    Health: await (await ann.get('/health/ready')).json(),
    LetterToken: { token: 'what is behind #token= in the letter' },
    MadeAccessToken: { ...Object(await token.json()), token: 'aka_...' },
    Module: module,
    ModuleChange: { title: 'Another title', position: 1 },
    ModuleList: await get('/courses/1/modules'),
    NewAccessToken: { name: 'backup', expiresInDays: 90, scopes: ['read'] },
    NewCategory: { slug: 'chess', name: 'Chess' },
    NewChapter: { title: 'SET and GET', content: '# SET', minutes: 10 },
    NewCourse: {
      title: 'Redis in an evening',
      summary: 'A first look.',
      description: 'Why, and how.',
      level: 'beginner',
      language: 'en'
    },
    NewGeneration: { topic: 'Chess endgames', level: 'beginner', language: 'en', modules: 2, chaptersPerModule: 2 },
    NewModule: { title: 'Keys' },
    CourseChange: { status: 'published' },
    ChapterChange: { content: '# Anew' },
    CategoryChange: { name: 'Chess and other games' },
    Outline: {
      modules: course.modules.map(({ id, chapters }) => ({ id, chapters: chapters.map(({ id }) => id) }))
    },
    OwnEnrollment: await get('/users/me/courses/1'),
    OwnUser: await get('/users/me'),
    PasswordChange: { current: 'password of ann', next: 'another password' },
    PasswordReset: { token: 'what is behind #token= in the letter', password: 'another password' },
    ProfileChange: { bio: 'I teach chess.' },
    Progress: await get('/users/me/progress/1'),
    ProgressList: await get('/users/me/progress'),
    Registration: { email: 'ann@example.org', password: 'password of ann', name: 'Ann' },
    RoleChange: { role: 'author' },
    SessionList: await get('/auth/sessions'),
    SessionUser: await get('/auth/session'),
    StudentPage: await get('/courses/1/students', boss),
    Statistics: await get('/stats'),
    User: await get('/users/1'),
    UserPage: await get('/users?limit=2', boss)
  }
  await ann.request('DELETE', `/api/v1/courses/${draft.id}`)
  return Object.fromEntries(Object.entries(examples).map(([name, example]) => [name, shortened(example)]))
}

function shortened(value: unknown): unknown {
  if (typeof value === 'string') return value.length > MAX_TEXT ? `${value.slice(0, MAX_TEXT)}...` : value
  if (Array.isArray(value)) return value.slice(0, MAX_ITEMS).map(shortened)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, child]) => [key, shortened(child)]))
}
