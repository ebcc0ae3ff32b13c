import caching from '@fastify/caching'
import fp from 'fastify-plugin'

/*
 * A store that has nothing. Given a real one, the library would answer `If-None-Match` with 304 for as long as an entity tag is
 * remembered, whatever has been written since: entity tags are compared with the entry that is valid now (plugins/app/entity-tags.ts).
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

/** `Cache-Control`, `Expires` and `reply.etag()`. What a route or a plugin does not allow to be kept, nobody may keep. */
export default fp(
  async (app) => {
    await app.register(caching, { privacy: 'no-store', cache: { get, set } })
  },
  { name: 'caching' }
)
