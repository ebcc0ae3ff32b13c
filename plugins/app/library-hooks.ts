import type { FastifyInstance, FastifyPluginCallback, onRequestHookHandler, onSendHookHandler } from 'fastify'
import fp from 'fastify-plugin'

interface LibraryHooks {
  onRequest: onRequestHookHandler
  onSend: onSendHookHandler
}

declare module 'fastify' {
  interface FastifyInstance {
    /** Registers a library's plugin, but gives its hooks back instead of adding them: they are then run for whom they concern. */
    hooksOf<Options extends object>(
      plugin: FastifyPluginCallback<Options>,
      options: Options
    ): Promise<Partial<LibraryHooks>>
  }
}

/** Most requests come from nobody in particular, and from no other origin: they should not pay for sessions and CORS. */
export default fp(
  async (app) => {
    app.decorate('hooksOf', async (plugin, options) => {
      const hooks: Partial<LibraryHooks> = {}
      const collector: FastifyInstance = Object.create(app, {
        addHook: {
          value: (name: keyof LibraryHooks, hook: never) => {
            Object.assign(hooks, { [name]: hook })
          }
        }
      })
      await new Promise<void>((resolve, reject) =>
        plugin(collector, options, (error) => (error ? reject(error) : resolve()))
      )
      return hooks
    })
  },
  { name: 'library-hooks' }
)
