import type { ServerResponse } from 'node:http'
import { event, type Question, token } from '../../support/model-server.ts'
import { first, KEY, only, refuse, type Scenario, say, send, sendAsAsked } from './scenario.ts'

const always = () => true
const encoded = encodeURIComponent(KEY)
const base64 = Buffer.from(`user:${KEY}`).toString('base64')
const cut = (share: number, always = false) =>
  send((response, good, question) => {
    const isRest = question.messages.length > 3
    const at = Math.floor(good.length * share)
    if (isRest && !always) sendAsAsked(response, good.slice(at), question, {})
    else sendAsAsked(response, good.slice(0, at), question, { finish_reason: 'length' })
  })

/** The first answer is truncated, and token limits above `limit` are refused. */
const tooMuchRoom = (limit: number, status: number, message: string) => () => {
  const cutOff = first(cut(0.3))()
  const refusal = refuse(({ body }) => Number(body.max_tokens ?? 0) > limit, status, message)()
  return (question: Question, response: ServerResponse) =>
    'max_tokens' in question.body ? refusal(question, response) : cutOff(question, response)
}

/** Missing, incomplete and refused answers, and errors. */
export const failures: readonly Scenario[] = [
  {
    name: 'no JSON, once',
    calls: 4,
    outcome: 'course',
    needed: 2,
    serve: first(say(() => 'I would love to help. What is it about?'))
  },
  {
    name: 'another form, once',
    calls: 4,
    outcome: 'course',
    needed: 2,
    serve: first(say(() => '{"answer": 42}'))
  },
  {
    name: 'always another form',
    calls: 3,
    outcome: 'MODEL_BAD_ANSWER',
    serve: say(() => '{"answer": 42}'),
    told: /title is required/
  },
  {
    name: 'truncated (length): the rest is requested',
    calls: 4,
    outcome: 'course',
    needed: 2,
    serve: only('1.1', cut(0.6))
  },
  {
    name: 'truncated (length): the rest repeats some words, and is in a code fence',
    calls: 4,
    outcome: 'course',
    needed: 2,
    serve: only(
      '1.1',
      send((response, good, question) => {
        const isRest = question.messages.length > 3
        if (isRest) sendAsAsked(response, `\`\`\`json\n${good.slice(300)}\n\`\`\``, question, {})
        else sendAsAsked(response, good.slice(0, 350), question, { finish_reason: 'length' })
      })
    )
  },
  {
    name: 'truncated (length): the whole answer is requested with a higher limit',
    calls: 4,
    outcome: 'course',
    needed: 2,
    serve: send((response, good, question) => {
      if (Number(question.body.max_tokens ?? 0) > 4096) sendAsAsked(response, good, question, {})
      else sendAsAsked(response, good.slice(0, 50), question, { finish_reason: 'length' })
    })
  },
  {
    name: 'truncated (length) while reasoning: a higher limit, as max_completion_tokens',
    calls: 5,
    outcome: 'course',
    needed: 2,
    serve: () => (question, response) => {
      if ('max_tokens' in question.body) {
        const message =
          "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
        return refuse(always, 400, message)()(question, response)
      }
      if ('max_completion_tokens' in question.body) return null
      sendAsAsked(response, '', question, { finish_reason: 'length' })
      return null
    }
  },
  {
    name: 'truncated (length): the server accepts only a lower limit than requested',
    calls: 5,
    outcome: 'course',
    needed: 2,
    serve: () => (question, response) => {
      const room = Number(question.body.max_tokens ?? 0)
      if (room > 8192)
        return refuse(
          always,
          400,
          'max_tokens is too large: 16384. This model supports at most 8192 completion tokens.'
        )()(question, response)
      if (room > 0) return null
      return cut(0.3)()(question, response)
    }
  },
  {
    name: 'always truncated (length)',
    calls: 4,
    needed: 4,
    outcome: 'MODEL_TOO_LONG',
    serve: cut(0.3, true),
    told: /token limit/
  },
  {
    name: 'truncated (length): a limit above the tokens per minute (413, Groq)',
    calls: 5,
    outcome: 'course',
    needed: 2,
    serve: tooMuchRoom(
      12_000,
      413,
      'Request too large for model `x` on tokens per minute (TPM): Limit 12000, Requested 18000'
    )
  },
  {
    name: 'truncated (length): a limit above the credit (402, OpenRouter)',
    calls: 5,
    outcome: 'course',
    needed: 2,
    serve: tooMuchRoom(
      4000,
      402,
      'This request requires more credits, or fewer max_tokens. You requested up to 16384 tokens, but can only afford 4000.'
    )
  },
  {
    name: 'always empty, truncated or of another form, in turn',
    calls: 12,
    needed: 8,
    outcome: 'MODEL_BAD_ANSWER',
    told: /no usable chapter in 10 requests/,
    serve: only('1.1', () => {
      let asked = 0
      return (question, response) => {
        asked++
        if (asked % 3 !== 0) return ''
        if (asked % 12 === 0) return '{"answer": 42}'
        return cut(0.3, true)()(question, response)
      }
    })
  },
  {
    name: 'content_filter',
    calls: 1,
    outcome: 'MODEL_FILTERED',
    told: /content filter/,
    serve: send((response, good, question) =>
      sendAsAsked(response, good.slice(0, 40), question, { finish_reason: 'content_filter' })
    )
  },
  {
    name: 'content_filter for the question (400, Azure)',
    calls: 1,
    outcome: 'MODEL_FILTERED',
    told: /triggering Azure/,
    serve: refuse(always, 400, {
      error: {
        code: 'content_filter',
        message: "The response was filtered due to the prompt triggering Azure OpenAI's content management policy."
      }
    })
  },
  {
    name: 'a refusal',
    calls: 1,
    outcome: 'MODEL_REFUSED',
    told: /not help with that/,
    serve: send((response, _good, question) => {
      const refusal = "I'm sorry, I can not help with that."
      sendAsAsked(response, '', question, { message: { content: null, refusal }, delta: { refusal } })
    })
  },
  {
    name: 'a refusal as text',
    calls: 1,
    outcome: 'MODEL_REFUSED',
    told: /assist/,
    serve: say(() => "I'm sorry, but I can't assist with that request.")
  },
  {
    name: 'a refusal in Russian',
    calls: 1,
    outcome: 'MODEL_REFUSED',
    language: 'ru',
    serve: say(() => 'К сожалению, я не могу помочь с этой темой.')
  },
  {
    name: 'an error with status 200, once',
    calls: 4,
    outcome: 'course',
    needed: 2,
    serve: first(refuse(always, 200, { error: { code: 502, message: 'Provider returned error' } }))
  },
  {
    name: 'an error in the middle of a stream, once (OpenRouter)',
    calls: 4,
    outcome: 'course',
    needed: 2,
    serve: first(
      send((response, good) => {
        response.writeHead(200, { 'content-type': 'text/event-stream' })
        response.write(token(good.slice(0, 30)))
        response.end(
          event({
            error: { code: 502, message: 'Provider disconnected' },
            choices: [{ delta: { content: '' }, finish_reason: 'error' }]
          })
        )
      })
    )
  },
  {
    name: 'an error with status 200 about the key',
    calls: 1,
    outcome: 'MODEL_KEY',
    serve: refuse(always, 200, { error: { code: 401, message: 'No auth credentials found' } })
  },
  {
    name: 'empty choices, once',
    calls: 4,
    outcome: 'course',
    needed: 2,
    serve: first(refuse(always, 200, { choices: [] }))
  },
  { name: 'empty content, once (DeepSeek)', calls: 4, outcome: 'course', needed: 2, serve: first(say(() => '')) },
  {
    name: 'always empty content with json_schema',
    calls: 5,
    outcome: 'course',
    serve: say((good, { body }) => (JSON.stringify(body.response_format ?? '').includes('json_schema') ? '' : good))
  },
  { name: 'always empty content', calls: 3, outcome: 'MODEL_BAD_ANSWER', serve: say(() => ' \n ') },
  {
    name: 'always null content',
    calls: 3,
    outcome: 'MODEL_BAD_ANSWER',
    serve: refuse(always, 200, { choices: [{ message: { content: null }, finish_reason: 'stop' }] })
  },
  {
    name: 'a stream whose connection breaks in the middle, once',
    calls: 4,
    outcome: 'course',
    needed: 2,
    serve: first(
      send((response, good) => {
        response.writeHead(200, { 'content-type': 'text/event-stream' })
        response.write(token(good.slice(0, 60)), () => response.destroy())
      })
    )
  },
  {
    name: 'no answer, once',
    calls: 4,
    outcome: 'course',
    needed: 2,
    timeoutMs: 300,
    serve: first(() => () => new Promise(() => {}))
  },
  {
    name: 'never an answer',
    calls: 3,
    outcome: 'MODEL_TIMEOUT',
    timeoutMs: 200,
    serve: () => () => new Promise(() => {}),
    told: /LLM_TIMEOUT/
  },
  {
    name: 'an endless stream of comments',
    calls: 3,
    outcome: 'MODEL_TIMEOUT',
    timeoutMs: 200,
    serve: send((response) => {
      response.write(': wait\n\n')
      const timer = setInterval(() => response.write(': still there\n\n'), 50)
      response.on('close', () => clearInterval(timer))
    })
  },
  {
    name: 'an endless answer',
    calls: 3,
    outcome: 'MODEL_BAD_ANSWER',
    serve: send((response) => {
      const more = () => {
        while (!response.destroyed && response.write(token('x'.repeat(1 << 18)))) {}
      }
      response.on('drain', more)
      more()
    })
  },
  {
    name: 'an HTML page instead of an answer',
    calls: 4,
    outcome: 'course',
    url: (url) => url.replace('/v1', ''),
    serve: () => (question, response) => {
      if (!question.path.startsWith('/v1')) response.writeHead(200, { 'content-type': 'text/html' }).end('<h1>Hi</h1>')
      return null
    }
  },
  {
    name: 'no connection',
    calls: 3,
    outcome: 'MODEL_UNREACHABLE',
    serve: send((response) => response.destroy()),
    told: /cannot be reached/
  },
  {
    name: '401 that quotes the key',
    calls: 1,
    outcome: 'MODEL_KEY',
    serve: refuse(always, 401, `wrong key ${KEY}, ${encoded}, ${base64}`),
    told: /LLM_API_KEY.*401.*wrong key \*\*\*/s
  },
  {
    name: '404 that quotes the key from the query',
    calls: 2,
    outcome: 'MODEL_MISCONFIGURED',
    url: (url) => `${url}?api-version=2024-10-21&key=${encoded}`,
    serve: () => (question, response) =>
      refuse(always, 404, `Cannot POST ${question.path}, ${decodeURIComponent(question.path)}`)()(question, response),
    told: /Cannot POST .*api-version=2024-10-21&key=\*\*\*/
  },
  {
    name: 'a wrong key, as 400 (Google)',
    calls: 1,
    outcome: 'MODEL_KEY',
    serve: refuse(always, 400, [
      { error: { code: 400, message: 'API key not valid. Please pass a valid API key.', status: 'INVALID_ARGUMENT' } }
    ])
  },
  {
    name: '402, no credit',
    calls: 1,
    outcome: 'MODEL_UNPAID',
    serve: refuse(always, 402, 'Insufficient Balance'),
    told: /402.*Insufficient Balance/s
  },
  {
    name: 'no credit, as 400 (Anthropic)',
    calls: 1,
    outcome: 'MODEL_UNPAID',
    serve: refuse(always, 400, 'Your credit balance is too low to access the API.')
  },
  {
    name: 'the quota is used up (429)',
    calls: 1,
    outcome: 'MODEL_UNPAID',
    serve: refuse(always, 429, {
      error: {
        message: 'You exceeded your current quota, please check your plan and billing details.',
        code: 'insufficient_quota'
      }
    })
  },
  {
    name: '403',
    calls: 1,
    outcome: 'MODEL_FORBIDDEN',
    serve: refuse(always, 403, 'Country, region, or territory not supported'),
    told: /region/
  },
  {
    name: '404, unknown model',
    calls: 1,
    outcome: 'MODEL_UNKNOWN',
    serve: refuse(always, 404, {
      error: { message: 'The model `dull-1` does not exist or you do not have access to it.', code: 'model_not_found' }
    }),
    told: /LLM_MODEL.*does not exist/s
  },
  {
    name: '404, unknown model (Ollama)',
    calls: 1,
    outcome: 'MODEL_UNKNOWN',
    serve: refuse(always, 404, 'model "dull-1" not found, try pulling it first')
  },
  ...(
    [
      ['400, unknown model (OpenRouter)', 400, 'vendor/x is not a valid model ID'],
      ['404, a model without a provider (OpenRouter)', 404, 'No endpoints found for vendor/x.'],
      ['400, no model loaded (LM Studio)', 400, 'No models loaded. Please load a model in the developer page.']
    ] as const
  ).map(([name, status, said]) => ({
    name,
    calls: 1,
    outcome: 'MODEL_UNKNOWN' as const,
    told: /LLM_MODEL/,
    serve: refuse(always, status, said)
  })),
  {
    name: '503, a model that is being loaded, once',
    calls: 4,
    needed: 2,
    outcome: 'course',
    serve: first(refuse(always, 503, 'Model not found in cache, loading'))
  },
  {
    name: 'a question that does not fit the context, in a stream (llama.cpp)',
    calls: 1,
    outcome: 'MODEL_TOO_LONG',
    serve: send((response) => {
      const error = { code: 500, message: 'the request exceeds the available context size', type: 'server_error' }
      response.writeHead(200, { 'content-type': 'text/event-stream' }).end(`error: ${JSON.stringify(error)}\n\n`)
    })
  },
  {
    name: '404 for every path',
    calls: 2,
    outcome: 'MODEL_MISCONFIGURED',
    serve: refuse(always, 404, { detail: 'Not Found' }),
    told: /LLM_BASE_URL/
  },
  {
    name: 'a redirect, which is not followed',
    calls: 1,
    outcome: 'MODEL_MISCONFIGURED',
    serve: refuse(always, 308, {}, { location: 'http://127.0.0.1:1/' }),
    told: /LLM_BASE_URL/
  },
  {
    name: '400 for every request',
    calls: 3,
    outcome: 'MODEL_MISCONFIGURED',
    serve: refuse(always, 400, 'no'),
    told: /refused the request \(400\): 400.*no/s
  },
  {
    name: 'a question that does not fit the context',
    calls: 1,
    outcome: 'MODEL_TOO_LONG',
    serve: refuse(always, 400, "This model's maximum context length is 512 tokens.")
  },
  {
    name: '429, once, without Retry-After',
    calls: 4,
    outcome: 'course',
    needed: 2,
    serve: first(refuse(always, 429, 'slow down'))
  },
  {
    name: '429, once, with retry-after-ms',
    calls: 4,
    outcome: 'course',
    needed: 2,
    serve: first(refuse(always, 429, 'slow down', { 'retry-after-ms': '30' }))
  },
  {
    name: '429, once, with Retry-After as a date',
    calls: 4,
    outcome: 'course',
    needed: 2,
    serve: first(
      () => (q, r) =>
        refuse(always, 429, 'slow down', { 'retry-after': new Date(Date.now() + 900).toUTCString() })()(q, r)
    )
  },
  {
    name: '429 with Retry-After of an hour',
    calls: 1,
    outcome: 'MODEL_BUSY',
    serve: refuse(always, 429, 'Rate limit reached for model', { 'retry-after': '3600' }),
    told: /Rate limit reached/
  },
  { name: 'always 429', calls: 3, outcome: 'MODEL_BUSY', serve: refuse(always, 429, 'slow down') },
  { name: '500, once', calls: 4, outcome: 'course', needed: 2, serve: first(refuse(always, 500, 'sorry')) },
  {
    name: 'always 503',
    calls: 3,
    outcome: 'MODEL_DOWN',
    serve: refuse(always, 503, 'the model is overloaded'),
    told: /503.*overloaded/s
  },
  {
    name: 'valid JSON that the server rejects, and sends in the error (Groq)',
    calls: 3,
    outcome: 'course',
    serve: () => (question, response) =>
      refuse(always, 400, {
        error: {
          message: 'Failed to generate JSON.',
          code: 'json_validate_failed',
          failed_generation: `${question.good} `
        }
      })()(question, response)
  }
]
