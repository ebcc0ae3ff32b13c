import { register } from '../../test/support/actors.ts'
import type { Load } from './load.ts'
import { COURSE } from './stack.ts'

/** Builds the load for the server at a URL. */
export type MakeLoad = (url: string) => Promise<Omit<Load, 'seconds'>> | Omit<Load, 'seconds'>

export const course: MakeLoad = (url) => ({ url: url + COURSE })

/** The route of the yardsticks. */
export const yardstickCourse: MakeLoad = (url) => ({ url: `${url}/course` })

export const brotli: MakeLoad = (url) => ({ url: url + COURSE, headers: { 'accept-encoding': 'br' } })

/** Sends the entity tag of the uncompressed response. */
export const unchanged: MakeLoad = async (url) => {
  const { headers } = await fetch(url + COURSE, { headers: { 'accept-encoding': 'identity' } })
  return { url: url + COURSE, headers: { 'if-none-match': headers.get('etag') ?? '' } }
}

export const me: MakeLoad = async (url) => {
  const { cookie } = await register(url, `bench-${Date.now()}`)
  return { url: `${url}/api/v1/users/me`, headers: { cookie } }
}
