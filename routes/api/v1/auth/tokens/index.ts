import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { AccessTokenList, AccessTokenParams, MadeAccessToken, NewAccessToken } from '#access-tokens/shapes.ts'
import { errors } from '#http/errors.ts'
import { NoContent } from '#http/no-content.ts'

const tags = ['accounts']
/** A stolen token must not be able to create, list or revoke tokens. */
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
        summary: 'The access tokens of the user, newest first, without the tokens themselves',
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
        summary: 'Create an access token, which is shown only this once',
        description:
          'Programs send it as `Authorization: Bearer`. Answers 409 with the code QUOTA_TOKENS if the account has reached its limit, and ' +
          '403 with ADMINS_ONLY if anybody but an admin requests the scope `admin`.',
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
