import { words } from './words.js'

export const CACHE = '/api/v1/admin/cache'

/** Asks the service; the body of its answer, or an error whose message may be shown. Who is no longer signed in is asked to. */
export async function ask(method, path, query = {}) {
  const text = String(new URLSearchParams(query))
  const answer = await fetch(text === '' ? path : `${path}?${text}`, { method }).catch(() => null)
  if (answer === null) throw new Error(words.offline)
  if (answer.status === 401) location.reload()
  if (answer.status === 204) return null
  const body = await answer.json().catch(() => null)
  if (answer.ok && body !== null) return body
  const message = body?.code === 'REDIS_DOWN' ? words.redisDown : (body?.message ?? `HTTP ${answer.status}`)
  throw Object.assign(new Error(message), { status: answer.status })
}
