import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { toOwnUser } from '#users/accounts.ts'
import { OwnUser, ProfileChange } from '#users/shapes.ts'

const tags = ['users']

const routes: FastifyPluginAsyncTypebox = async (app) => {
  const { accounts, profiles } = app

  app.get(
    '',
    { config: { entityTag: true }, schema: { tags, summary: 'The own account', response: { 200: OwnUser } } },
    async (request) => toOwnUser(request.signedIn())
  )

  app.patch(
    '',
    { schema: { tags, summary: 'Change the own profile', body: ProfileChange, response: { 200: OwnUser } } },
    async (request) => {
      const { id } = request.signedIn()
      await accounts.changeProfile(id, request.body)
      return toOwnUser(await profiles.refreshOwn(id, request.trace))
    }
  )
}

export default routes
