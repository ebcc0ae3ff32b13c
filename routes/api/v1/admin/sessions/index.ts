import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { errors } from '#http/errors.ts'
import { NoContent } from '#http/no-content.ts'
import { abortOnHangUp } from '#plugins/app/hang-up.ts'
import { AdminSessionPage, AdminSessionQuery, SessionParams } from '#sessions/shapes.ts'

const tags = ['administration']
// A stolen token must not reveal who else is signed in.
const config = { role: 'admin', sessionOnly: true } as const

/** The sessions of all users, for admins. */
const routes: FastifyPluginAsyncTypebox = async (app) => {
  const { allSessions } = app

  app.get(
    '',
    {
      config,
      schema: {
        tags,
        operationId: 'listAllSessions',
        summary: 'The sessions of all users, newest first, for admins',
        querystring: AdminSessionQuery,
        response: { 200: AdminSessionPage }
      }
    },
    async (request, reply) => allSessions.list(request.query, request.session.rowId, abortOnHangUp(reply))
  )

  app.delete(
    '/:id',
    {
      config,
      schema: {
        tags,
        operationId: 'endAnySession',
        summary: 'End the session of any user: it is refused from now on',
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
