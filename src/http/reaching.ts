import { ApiError } from './errors.ts'

/** What `work` in Redis resolves to; 503 where Redis does not answer. What the client has done wrong is thrown as it is. */
export async function reaching<T>(work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (cause) {
    if (cause instanceof ApiError) throw cause
    throw new ApiError(503, 'REDIS_DOWN', 'Redis does not answer at the moment', { 'Retry-After': '5' }, { cause })
  }
}
