import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { errors } from '#http/errors.ts'
import { NotModified } from '#http/no-content.ts'
import { noQuery } from '#http/paging.ts'
import { toOwnUser, toPublicUser } from '#users/accounts.ts'
import { OwnUser, ProfileChange, RoleChange, User, UserPage, UserParams, UserQuery } from '#users/shapes.ts'

const tags = ['users']

const routes: FastifyPluginAsyncTypebox = async (app) => {
  const { accounts, profiles } = app

  app.get(
    '',
    {
      schema: {
        tags,
        summary: 'All users, for admins',
        querystring: UserQuery,
        response: { 200: UserPage, ...errors(400, 401, 403, 429, 503) }
      }
    },
    async (request) => {
      request.admin()
      return accounts.list(request.query)
    }
  )

  app.get(
    '/:id',
    {
      config: { public: true },
      schema: {
        tags,
        summary: 'The public profile of a user',
        params: UserParams,
        querystring: noQuery,
        response: { 200: User, ...errors(400, 404, 429, 503) }
      }
    },
    async ({ params: { id }, trace }, reply) => {
      const account = await profiles.read(id, trace)
      reply.sendOwn(toPublicUser(account))
      return reply
    }
  )

  app.patch(
    '/:id',
    {
      schema: {
        tags,
        summary: 'Change the role of a user, for admins',
        params: UserParams,
        body: RoleChange,
        response: { 200: OwnUser, ...errors(400, 401, 403, 404, 415, 429, 503) }
      }
    },
    async (request) => {
      request.admin()
      const { id } = request.params
      await accounts.changeRole(id, request.body.role)
      return toOwnUser(await profiles.read(id, request.trace))
    }
  )

  app.get(
    '/me',
    {
      schema: {
        tags,
        summary: 'The own account',
        querystring: noQuery,
        response: { 200: OwnUser, 304: NotModified, ...errors(400, 401, 429, 503) }
      }
    },
    async (request, reply) => {
      reply.sendOwn(toOwnUser(request.signedIn()))
      return reply
    }
  )

  app.patch(
    '/me',
    {
      schema: {
        tags,
        summary: 'Change the own profile',
        body: ProfileChange,
        response: { 200: OwnUser, ...errors(400, 401, 415, 429, 503) }
      }
    },
    async (request) => {
      const { id } = request.signedIn()
      await accounts.changeProfile(id, request.body)
      return toOwnUser(await profiles.readOwn(id, request.trace))
    }
  )
}

export default routes
