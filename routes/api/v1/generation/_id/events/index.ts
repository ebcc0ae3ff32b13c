import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { Generation, GenerationParams, isOver, LastEventId } from '#generation/shapes.ts'
import { errors } from '#http/errors.ts'
import { NoContent } from '#http/no-content.ts'

/** OpenAPI 3.1 has no word for a stream: it is a list of events. */
const EventStream = {
  content: {
    'text/event-stream': {
      schema: Type.Array(
        Type.Object(
          {
            event: Type.Literal('progress'),
            id: Type.String({ description: 'for `Last-Event-ID`' }),
            data: Generation
          },
          { title: 'GenerationEvent' }
        )
      )
    }
  }
}

const routes: FastifyPluginAsyncTypebox = async (app) => {
  const { generations, generationFeed } = app

  app.get(
    '',
    {
      sse: 'manual',
      // A HEAD would wait for a stream that nobody reads.
      exposeHeadRoute: false,
      schema: {
        tags: ['generation'],
        operationId: 'followGeneration',
        summary: 'Follow a generation, live',
        description:
          'A stream for `EventSource`; `data` is JSON. It ends when the generation is over, or with an event `ended` when the session is; with `Last-Event-ID` it goes on after that event, and is 204 where nothing is to come.',
        params: GenerationParams,
        headers: LastEventId,
        response: { 200: EventStream, 204: NoContent, ...errors(404) }
      }
    },
    async (request, reply) => {
      const { generation, revision } = await generations.find(request.signedIn().id, request.params.id)
      const lastEventId = request.headers['last-event-id']
      const seen = lastEventId === undefined ? null : Number(lastEventId)
      // There is nothing more to come: 204 tells a browser not to come back.
      if (isOver(generation) && seen === revision) return reply.code(204).send(null)

      const stream = reply.beginStream()
      for await (const record of generationFeed.follow(generation.id, seen, stream.over)) {
        await stream.send({ event: 'progress', id: String(record.revision), data: record.generation })
      }
    }
  )
}

export default routes
