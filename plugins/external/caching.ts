import caching from '@fastify/caching'
import fp from 'fastify-plugin'

/*
 * An empty store. With a real one, the library would answer `If-None-Match` with 304 as long as it remembers an entity tag, whatever
 * has been written since. We compare entity tags with the currently valid entry (plugins/app/entity-tags.ts).
 */
function get(key: unknown, callback: (error: null, cached: null) => void): void
function get(key: unknown): Promise<null>
function get(_key: unknown, callback?: (error: null, cached: null) => void): Promise<null> | undefined {
  if (callback === undefined) return Promise.resolve(null)
  callback(null, null)
}

function set(_key: unknown, _value: unknown, _ttlMs: number, callback?: (error: null, result: null) => void): void {
  callback?.(null, null)
}

/** `Cache-Control`, `Expires` and `reply.etag()`. By default, nobody may store an answer. */
export default fp(
  async (app) => {
    await app.register(caching, { privacy: 'no-store', cache: { get, set } })
  },
  { name: 'caching' }
)
