import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { allowanceHeaders } from '#generation/admission.ts'
import { Generation, GenerationPage, GenerationQuery, IdempotencyKey, NewGeneration } from '#generation/shapes.ts'
import { errors } from '#http/errors.ts'
import { abortOnHangUp } from '#plugins/app/hang-up.ts'

const tags = ['generation']
const refusals =
  'Answers 429 if the user or network has reached a limit (RATE_LIMITED, TOO_MANY_GENERATIONS), 503 if the platform has ' +
  '(QUEUE_FULL, MODEL_BUDGET_SPENT), both with Retry-After, and 409 if the account has no room for another course ' +
  '(QUOTA_COURSES, QUOTA_DRAFTS, QUOTA_CHAPTERS, QUOTA_BYTES).'

const routes: FastifyPluginAsyncTypebox = async (app) => {
  const { generations } = app

  app.post(
    '',
    {
      config: { sends: ['Location'], scope: 'generate' },
      preHandler: [app.requireVerifiedFor('generate'), app.limitGenerationsOfNetwork],
      schema: {
        tags,
        operationId: 'createGeneration',
        summary: 'Have a course written',
        description: refusals,
        headers: IdempotencyKey,
        body: NewGeneration,
        response: { 202: Generation, ...errors(409, 422) }
      }
    },
    async (request, reply) => {
      const key = request.headers['idempotency-key']
      const { generation, allowance } = await generations.create(request.signedIn(), request.body, key)
      if (allowance !== null) reply.headers(allowanceHeaders(allowance))
      return reply.code(202).locate(`/api/v1/generation/${generation.id}`).send(generation)
    }
  )

  app.get(
    '',
    {
      schema: {
        tags,
        operationId: 'listGenerations',
        summary: 'The generations of the user, newest first',
        querystring: GenerationQuery,
        response: { 200: GenerationPage }
      }
    },
    async (request, reply) => generations.list(request.signedIn().id, request.query, abortOnHangUp(reply))
  )
}

export default routes
