import { event, sendStream, sendWhole, token, USAGE } from '../../support/model-server.ts'
import { formatOf, refuse, type Scenario, say, send } from './scenario.ts'

const hasKeyword = /"(minItems|maxItems|minimum|maximum|pattern|additionalProperties)"/

/** Servers with different features. */
export const servers: readonly Scenario[] = [
  { name: 'everything works', calls: 3, outcome: 'course', serve: () => () => null },
  {
    name: 'json_schema refused (400, DeepSeek)',
    calls: 4,
    outcome: 'course',
    serve: refuse((q) => formatOf(q) === 'json_schema', 400, 'This response_format type is unavailable now')
  },
  {
    name: 'json_schema refused (422, FastAPI)',
    calls: 4,
    outcome: 'course',
    serve: refuse((q) => formatOf(q) === 'json_schema', 422, {
      detail: [{ loc: ['body', 'response_format', 'type'], msg: "Input should be 'text' or 'json_object'" }]
    })
  },
  {
    name: 'json_schema refused (404, OpenRouter)',
    calls: 4,
    outcome: 'course',
    serve: refuse((q) => formatOf(q) === 'json_schema', 404, {
      error: { message: 'No endpoints found that can handle the requested parameters.', code: 404 }
    })
  },
  {
    name: 'any response_format refused',
    calls: 5,
    outcome: 'course',
    serve: refuse((q) => formatOf(q) !== 'none', 400, "'response_format' is not supported by this model")
  },
  {
    name: 'only json_schema and text supported (LM Studio)',
    calls: 3,
    outcome: 'course',
    serve: refuse((q) => formatOf(q) === 'json_object', 400, "'response_format.type' must be 'json_schema' or 'text'")
  },
  {
    name: 'minItems refused',
    calls: 4,
    outcome: 'course',
    serve: refuse((q) => hasKeyword.test(JSON.stringify(q.body.response_format ?? '')), 400, {
      error: {
        message:
          "Invalid schema for response_format 'outline': In context=('properties', 'modules'), 'minItems' is not permitted.",
        code: null
      }
    })
  },
  {
    name: 'minimum refused, then any schema',
    calls: 5,
    outcome: 'course',
    serve: () => (question, response) => {
      const isSchema = formatOf(question) === 'json_schema'
      const isFull = hasKeyword.test(JSON.stringify(question.body.response_format ?? ''))
      const message = isFull
        ? "For 'integer' type, property 'minimum' is not supported"
        : 'json_schema is not supported'
      return isSchema ? refuse(() => true, 400, message)()(question, response) : null
    }
  },
  {
    name: 'json_schema ignored: text around the JSON',
    calls: 3,
    outcome: 'course',
    serve: say((good) => `Here you are:\n\n${good}\n\nAnything else?`)
  },
  {
    name: 'everything but messages refused without a reason (400)',
    calls: 4,
    outcome: 'course',
    serve: refuse((q) => 'response_format' in q.body || 'stream_options' in q.body, 400, { error: 'Bad Request' })
  },
  {
    name: 'response_format and streaming refused without a reason (422)',
    calls: 5,
    outcome: 'course',
    serve: refuse((q) => 'response_format' in q.body || 'stream' in q.body, 422, {})
  },
  {
    name: 'stream_options refused (Mistral)',
    calls: 4,
    outcome: 'course',
    serve: refuse((q) => 'stream_options' in q.body, 422, {
      object: 'error',
      message: {
        detail: [{ type: 'extra_forbidden', loc: ['body', 'stream_options'], msg: 'Extra inputs are not permitted' }]
      }
    })
  },
  {
    name: 'streaming refused',
    calls: 4,
    outcome: 'course',
    serve: refuse((q) => q.body.stream === true, 400, 'streaming is not supported for this model')
  },
  {
    name: 'streaming refused together with schemas (Groq)',
    calls: 4,
    outcome: 'course',
    serve: refuse(
      (q) => q.body.stream === true && formatOf(q) === 'json_schema',
      400,
      'response_format: streaming is not currently supported with structured outputs'
    )
  },
  {
    name: 'streaming only',
    calls: 3,
    outcome: 'course',
    serve: send((response, good) => sendStream(response, good, {}).end())
  },
  {
    name: 'streaming ignored: one JSON answer',
    calls: 3,
    outcome: 'course',
    serve: send((response, good) => sendWhole(response, good, {}).end())
  },
  {
    name: 'no system role (400, vLLM with Gemma)',
    calls: 4,
    outcome: 'course',
    serve: refuse((q) => q.messages[0]?.role === 'system', 400, 'System role not supported')
  },
  {
    name: 'no system role (500, llama.cpp)',
    calls: 4,
    outcome: 'course',
    serve: refuse((q) => q.messages[0]?.role === 'system', 500, {
      error: {
        code: 500,
        message: 'Jinja Exception: Conversation roles must alternate user/assistant/user/assistant/...',
        type: 'server_error'
      }
    })
  },
  {
    name: 'temperature refused (it is never sent)',
    calls: 3,
    outcome: 'course',
    serve: refuse(
      (q) => 'temperature' in q.body,
      400,
      "Unsupported value: 'temperature' does not support 0.7 with this model."
    )
  },
  {
    name: 'max_tokens refused (it is only sent after a truncated answer)',
    calls: 3,
    outcome: 'course',
    serve: refuse((q) => 'max_tokens' in q.body, 400, "Unsupported parameter: 'max_tokens'")
  },
  {
    name: 'base URL without /v1',
    calls: 4,
    outcome: 'course',
    url: (url) => url.replace('/v1', ''),
    serve: refuse((q) => !q.path.startsWith('/v1/chat/'), 404, { detail: 'Not Found' })
  },
  {
    name: 'base URL with a /v1 that does not exist',
    calls: 4,
    outcome: 'course',
    serve: refuse((q) => q.path.startsWith('/v1/'), 404, { error: { code: '404', message: 'Resource not found' } })
  },
  {
    name: 'base URL without /v1: an error with status 200 (LM Studio)',
    calls: 4,
    outcome: 'course',
    url: (url) => url.replace('/v1', ''),
    serve: refuse((q) => !q.path.startsWith('/v1/chat/'), 200, {
      error: 'Unexpected endpoint or method. (POST /chat/completions)'
    })
  },
  {
    name: 'base URL with a final slash',
    calls: 3,
    outcome: 'course',
    url: (url) => `${url}/`,
    serve: refuse((q) => q.path !== '/v1/chat/completions', 404, { detail: 'Not Found' })
  },
  {
    name: 'base URL with /chat/completions and a query (Azure)',
    calls: 3,
    outcome: 'course',
    url: (url) => `${url}/chat/completions?api-version=2024-10-21`,
    serve: refuse((q) => q.path !== '/v1/chat/completions?api-version=2024-10-21', 404, { detail: 'Not Found' })
  },
  {
    name: 'a slow model that streams for longer than the timeout',
    calls: 3,
    outcome: 'course',
    timeoutMs: 400,
    serve: () => async (question, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      for (let i = 0; i < 6; i++) {
        const size = Math.ceil(question.good.length / 6)
        response.write(token(question.good.slice(i * size, (i + 1) * size)))
        await new Promise((resolve) => setTimeout(resolve, 150))
      }
      response.write(event({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }], usage: USAGE }))
      response.end('data: [DONE]\n\n')
      return null
    }
  },
  {
    name: 'a slow model that never ends its stream',
    calls: 3,
    outcome: 'course',
    timeoutMs: 1500,
    serve: send((response, good) => {
      response.writeHead(200)
      response.write(token(good) + event({ choices: [{ delta: {}, finish_reason: 'stop' }] }))
    })
  }
]
