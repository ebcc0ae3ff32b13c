import { ApiError } from './errors.ts'

/** Resolves to the result of `work` in Redis, and turns its failures into 503. An `ApiError` is thrown as it is. */
export async function requireRedis<T>(work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (cause) {
    if (cause instanceof ApiError) throw cause
    throw new ApiError(503, 'REDIS_DOWN', 'Redis does not answer at the moment', { 'Retry-After': '5' }, { cause })
  }
}
