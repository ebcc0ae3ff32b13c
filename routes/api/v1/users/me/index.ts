import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { errors } from '#http/errors.ts'
import { ifMatch } from '#http/precondition.ts'
import { toOwnUser } from '#users/accounts.ts'
import { OwnUser, ProfileChange } from '#users/shapes.ts'

const tags = ['users']

const routes: FastifyPluginAsyncTypebox = async (app) => {
  const { accounts, profiles } = app

  app.get(
    '',
    {
      config: { entityTag: true },
      schema: { tags, operationId: 'getOwnUser', summary: 'The own account', response: { 200: OwnUser } }
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
        summary: 'Change the own profile',
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
}

export default routes
