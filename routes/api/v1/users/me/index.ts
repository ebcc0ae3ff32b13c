import { Readable } from 'node:stream'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { errors } from '#http/errors.ts'
import { NoContent } from '#http/no-content.ts'
import { ifMatch } from '#http/precondition.ts'
import { toOwnUser } from '#users/accounts.ts'
import { AccountExport, exportAccount } from '#users/export.ts'
import { AccountRemoval, OwnUser, ProfileChange } from '#users/shapes.ts'

const tags = ['users']
const EXPORTS = 10
const HOUR_MS = 3_600_000

const routes: FastifyPluginAsyncTypebox = async (app) => {
  const { accounts, profiles } = app

  app.get(
    '',
    {
      config: { entityTag: true },
      schema: { tags, operationId: 'getOwnUser', summary: 'The account of the user', response: { 200: OwnUser } }
    },
    async (request) => request.ownUser()
  )

  app.patch(
    '',
    {
      config: { entityTag: true },
      schema: {
        tags,
        operationId: 'updateOwnUser',
        summary: 'Change the profile of the user',
        headers: ifMatch,
        body: ProfileChange,
        response: { 200: OwnUser, ...errors(412) }
      }
    },
    async (request, reply) => {
      const { id } = request.signedIn()
      await accounts.changeProfile(id, request.body, reply.precondition(OwnUser))
      return toOwnUser(await profiles.refreshOwn(id, request.trace))
    }
  )

  app.delete(
    '',
    {
      config: { sessionOnly: true, rateLimit: app.attemptLimit },
      preHandler: app.limitKnownAttempts,
      schema: {
        tags,
        operationId: 'deleteOwnUser',
        summary: 'Delete the account of the user',
        description:
          'Drafts, progress, generations, sessions and access tokens are deleted with it. Published courses stay, with the author ' +
          '`[deleted]`. Answers 409 with the code LAST_ADMIN to the only admin.',
        body: AccountRemoval,
        response: { 204: NoContent, ...errors(409) }
      }
    },
    async (request, reply) => {
      request.auditDetails = { deleted: true }
      await app.accountDeletion.delete(request.signedIn(), request.body.password)
      await app.signOut(request, reply)
      return reply.code(204).send(null)
    }
  )

  app.get(
    '/export',
    {
      config: {
        sessionOnly: true,
        rateLimit: { max: EXPORTS, timeWindow: HOUR_MS, allowList: () => app.config.rateLimit.user === 0 }
      },
      preHandler: app.limitTransfers,
      schema: {
        tags,
        operationId: 'exportOwnUser',
        summary: 'Download everything stored about the account; ten times an hour',
        response: { 200: Type.Unsafe<Readable>(AccountExport) }
      }
    },
    async (request, reply) => {
      const account = request.signedIn()
      const name = `ai-akademiya-account-${account.id}.json`
      reply.type('application/json; charset=utf-8').header('Content-Disposition', `attachment; filename="${name}"`)
      return reply.send(Readable.from(exportAccount(app.database.client, account)))
    }
  )
}

export default routes
