import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { Generation, GenerationParams, isOver, LastEventId } from '#generation/shapes.ts'
import { errors } from '#http/errors.ts'
import { NoContent } from '#http/no-content.ts'

/** OpenAPI 3.1 cannot describe a stream, so it is documented as a list of events. */
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
      // A HEAD request would wait for a stream that nobody reads.
      exposeHeadRoute: false,
      schema: {
        tags: ['generation'],
        operationId: 'followGeneration',
        summary: 'Follow a generation, live',
        description:
          'A stream for `EventSource`; `data` is JSON. It ends when the generation is finished, or with an event `ended` when the session ends. With `Last-Event-ID` it continues after that event, and answers 204 if no more events will follow.',
        params: GenerationParams,
        headers: LastEventId,
        response: { 200: EventStream, 204: NoContent, ...errors(404) }
      }
    },
    async (request, reply) => {
      const { generation, revision } = await generations.find(request.signedIn().id, request.params.id)
      const lastEventId = request.headers['last-event-id']
      const seen = lastEventId === undefined ? null : Number(lastEventId)
      // No more events will follow: 204 tells the browser not to reconnect.
      if (isOver(generation) && seen === revision) return reply.code(204).send(null)

      const stream = reply.beginStream()
      for await (const record of generationFeed.follow(generation.id, seen, stream.over)) {
        await stream.send({ event: 'progress', id: String(record.revision), data: record.generation })
      }
    }
  )
}

export default routes
