import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { errors } from '#http/errors.ts'
import { NoContent } from '#http/no-content.ts'
import { SessionList, SessionParams } from '#sessions/shapes.ts'

const tags = ['accounts']
const config = { sessionOnly: true }

const routes: FastifyPluginAsyncTypebox = async (app) => {
  const { sessions } = app

  app.get(
    '',
    {
      config,
      schema: {
        tags,
        operationId: 'listSessions',
        summary: 'The sessions of the account, last used first',
        response: { 200: SessionList }
      }
    },
    async (request) => ({ items: await sessions.list(request.signedIn(), request.session.rowId) })
  )

  app.delete(
    '/:id',
    {
      config,
      schema: {
        tags,
        operationId: 'endSession',
        summary: 'End a session of the account: it is refused from now on',
        params: SessionParams,
        response: { 204: NoContent, ...errors(404) }
      }
    },
    async (request, reply) => {
      const { id } = request.params
      request.auditDetails = { endedSession: id }
      if (id === request.session.rowId) await app.signOut(request, reply)
      else await sessions.end(request.signedIn().id, id)
      return reply.code(204).send(null)
    }
  )
}

export default routes
