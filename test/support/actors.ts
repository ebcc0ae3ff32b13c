import type { Service } from './service.ts'

const JSON_TYPE = { 'content-type': 'application/json' }

/** A client with its own session, or without one. */
export class Actor {
  readonly #url: string
  cookie: string

  constructor(url: string, cookie = '') {
    this.#url = url
    this.cookie = cookie
  }

  request(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Response> {
    const all = {
      ...(body === undefined ? {} : JSON_TYPE),
      ...(this.cookie === '' ? {} : { cookie: this.cookie }),
      ...headers
    }
    return fetch(`${this.#url}${path}`, {
      method,
      headers: all,
      body: body === undefined ? null : JSON.stringify(body)
    })
  }

  get(path: string, headers?: Record<string, string>): Promise<Response> {
    return this.request('GET', path, undefined, headers)
  }
}

/** Signs in and keeps the cookie. */
export async function signIn(url: string, email: string, password: string): Promise<Actor> {
  return withSession(url, '/api/v1/auth/login', { email, password })
}

/** Registers an account, which also signs it in. */
export async function register(url: string, name: string): Promise<Actor> {
  return withSession(url, '/api/v1/auth/register', {
    email: `${name}@example.org`,
    password: `password of ${name}`,
    name
  })
}

async function withSession(url: string, path: string, body: object): Promise<Actor> {
  const actor = new Actor(url)
  const answer = await actor.request('POST', path, body)
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`)
  actor.cookie = answer.headers.getSetCookie()[0]?.split(';')[0] ?? ''
  return actor
}

export const ADMIN = { email: 'admin@example.org', password: 'password of admin' }

/** The environment of a service without limits and with an admin to sign in as. */
export const peopleEnvironment = {
  ADMIN_EMAIL: ADMIN.email,
  ADMIN_PASSWORD: ADMIN.password,
  RATE_LIMIT_ANONYMOUS: '0',
  RATE_LIMIT_USER: '0'
}

export function admin({ url }: Service): Promise<Actor> {
  return signIn(url, ADMIN.email, ADMIN.password)
}

/** Creates a draft by the actor, with one module and one chapter. */
export async function draftOf(
  actor: Actor,
  title = 'A draft'
): Promise<{ id: number; moduleId: number; chapterId: number }> {
  const course = { title, summary: 'S', description: 'D', level: 'beginner', language: 'en' }
  const { id } = await created(actor.request('POST', '/api/v1/courses', course))
  const { id: moduleId } = await created(actor.request('POST', `/api/v1/courses/${id}/modules`, { title: 'M' }))
  const chapter = { title: 'C', content: '# text' }
  const { id: chapterId } = await created(
    actor.request('POST', `/api/v1/courses/${id}/modules/${moduleId}/chapters`, chapter)
  )
  return { id, moduleId, chapterId }
}

async function created(answer: Promise<Response>): Promise<{ id: number }> {
  const response = await answer
  if (response.status !== 201) throw new Error(`${response.url}: ${response.status} ${await response.text()}`)
  return JSON.parse(await response.text())
}
