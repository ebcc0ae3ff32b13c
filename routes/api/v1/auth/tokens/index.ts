import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { AccessTokenList, AccessTokenParams, MadeAccessToken, NewAccessToken } from '#access-tokens/shapes.ts'
import { errors } from '#http/errors.ts'
import { NoContent } from '#http/no-content.ts'

const tags = ['accounts']
/** A token that is stolen makes no others, and does not hide which there are. */
const config = { sessionOnly: true }

const routes: FastifyPluginAsyncTypebox = async (app) => {
  const { accessTokens } = app

  app.get(
    '',
    {
      config,
      schema: {
        tags,
        operationId: 'listAccessTokens',
        summary: 'The own access tokens, newest first, without the tokens themselves',
        response: { 200: AccessTokenList }
      }
    },
    async (request) => ({ items: await accessTokens.list(request.signedIn().id) })
  )

  app.post(
    '',
    {
      config,
      schema: {
        tags,
        operationId: 'createAccessToken',
        summary: 'A new access token, which is shown this once',
        description:
          'Programs send it as `Authorization: Bearer`. Answers 409 with the code QUOTA_TOKENS where the account has as many as it may ' +
          'have, and 403 with ADMINS_ONLY where somebody else asks for the scope of admins.',
        body: NewAccessToken,
        response: { 201: MadeAccessToken, ...errors(409) }
      }
    },
    async (request, reply) => {
      const { token, ...made } = await accessTokens.make(request.signedIn(), request.body)
      request.auditDetails = { made }
      return reply.code(201).send({ ...made, token })
    }
  )

  app.delete(
    '/:id',
    {
      config,
      schema: {
        tags,
        operationId: 'revokeAccessToken',
        summary: 'Revoke an access token: it is refused from now on',
        params: AccessTokenParams,
        response: { 204: NoContent, ...errors(404) }
      }
    },
    async (request, reply) => {
      request.auditDetails = { revoked: request.params.id }
      await accessTokens.revoke(request.signedIn().id, request.params.id)
      return reply.code(204).send(null)
    }
  )
}

export default routes
