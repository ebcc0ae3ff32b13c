import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { errors } from '#http/errors.ts'
import { abortOnHangUp } from '#plugins/app/hang-up.ts'
import { toOwnUser } from '#users/accounts.ts'
import { OwnUser, RoleChange, User, UserPage, UserParams, UserQuery } from '#users/shapes.ts'

const tags = ['users']

const routes: FastifyPluginAsyncTypebox = async (app) => {
  const { accounts, profiles } = app

  app.get(
    '',
    {
      config: { role: 'admin' },
      schema: {
        tags,
        operationId: 'listUsers',
        summary: 'All users, for admins',
        querystring: UserQuery,
        response: { 200: UserPage }
      }
    },
    async (request, reply) => accounts.list(request.query, abortOnHangUp(reply))
  )

  app.get(
    '/:id',
    {
      config: { public: true, entityTag: true },
      schema: {
        tags,
        operationId: 'getUser',
        summary: 'The public profile of a user',
        params: UserParams,
        response: { 200: User, ...errors(404) }
      }
    },
    async ({ params: { id }, trace }) => profiles.read(id, trace)
  )

  app.patch(
    '/:id',
    {
      // A stolen token that could appoint admins would do lasting damage, however soon it is revoked.
      config: { role: 'admin', sessionOnly: true },
      schema: {
        tags,
        operationId: 'changeUserRole',
        summary: 'Change the role of a user, for admins',
        params: UserParams,
        body: RoleChange,
        response: { 200: OwnUser, ...errors(404) }
      }
    },
    async (request) => {
      const { id } = request.params
      const { role } = request.body
      const before = await accounts.account(id)
      await accounts.changeRole(id, role)
      request.auditDetails = { audit: 'role changed', ofUser: id, from: before.role, to: role }
      return toOwnUser(await profiles.refresh(id, request.trace))
    }
  )
}

export default routes
