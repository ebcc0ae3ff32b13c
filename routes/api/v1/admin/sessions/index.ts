import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { errors } from '#http/errors.ts'
import { NoContent } from '#http/no-content.ts'
import { hangUp } from '#plugins/app/hang-up.ts'
import { AdminSessionPage, AdminSessionQuery, SessionParams } from '#sessions/shapes.ts'

const tags = ['administration']
// A token that was stolen is not to say who else may be here.
const config = { role: 'admin', sessionOnly: true } as const

/** Who is signed in, and where, for admins. */
const routes: FastifyPluginAsyncTypebox = async (app) => {
  const { allSessions } = app

  app.get(
    '',
    {
      config,
      schema: {
        tags,
        operationId: 'listAllSessions',
        summary: 'Where everybody is signed in, the newest first, for admins',
        querystring: AdminSessionQuery,
        response: { 200: AdminSessionPage }
      }
    },
    async (request, reply) => allSessions.list(request.query, request.session.rowId, hangUp(reply))
  )

  app.delete(
    '/:id',
    {
      config,
      schema: {
        tags,
        operationId: 'endAnySession',
        summary: 'End a session of anybody: it is refused from now on',
        params: SessionParams,
        response: { 204: NoContent, ...errors(404) }
      }
    },
    async (request, reply) => {
      const { id } = request.params
      const ofUser = await allSessions.end(id)
      request.auditDetails = { audit: 'session ended', endedSession: id, ofUser }
      if (id === request.session.rowId) await app.signOut(request, reply)
      return reply.code(204).send(null)
    }
  )
}

export default routes
