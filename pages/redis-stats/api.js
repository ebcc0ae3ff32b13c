import { words } from './words.js'

export const CACHE = '/api/v1/admin/cache'

/**
 * Calls the service; resolves to the body, or throws an error with a message for the user. Redirects to the sign-in
 * form if the session has ended.
 */
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
