import type { Failure } from '../failures.ts'
import { DeadlineError } from './http.ts'
import { ServiceError, UnreadableError } from './service-error.ts'

export interface Diagnosis {
  /** What whoever asked for the course is told. */
  readonly failure: Failure
  /** What the operator is told; what the service said stands beside it. */
  readonly message: string
  /** Whether the same may work later. */
  readonly isPassing: boolean
  /** The service may mean the form of the request: another one is worth a try. */
  readonly isAboutForm: boolean
}

type Rule = [when: (status: number | null, said: string) => boolean, failure: Failure, message: string]

const says = (words: RegExp) => (_status: number | null, said: string) => words.test(said)
const is =
  (...statuses: number[]) =>
  (status: number | null) =>
    status !== null && statuses.includes(status)

/** Words before statuses: services give the same status for many things. */
const FINAL: readonly Rule[] = [
  [
    (status, said) =>
      status !== 401 &&
      /content_?filter|content[_ ](policy|management)|responsible_?ai|moderation|was flagged|prohibited_content/i.test(
        said
      ),
    'MODEL_FILTERED',
    'the content filter of the model service stopped the question or the answer'
  ],
  [
    (status, said) =>
      status === 401 ||
      (status !== 429 &&
        /api.?key.{0,30}(not valid|invalid|incorrect|expired)|(invalid|incorrect).{0,12}api.?key/i.test(said)),
    'MODEL_KEY',
    'the model service does not accept the key of this platform: check LLM_API_KEY'
  ],
  [
    (status, said) =>
      status === 402 ||
      /insufficient.{0,3}(quota|balance|credit|fund)|credit balance|billing_(hard_limit|not_active)|out of credits/i.test(
        said
      ),
    'MODEL_UNPAID',
    'the quota or the credit at the model service is used up: pay there, or raise its limit'
  ],
  [
    (status, said) =>
      status !== 429 &&
      !isLoading(status, said) &&
      (/model_not_found|model.{0,80}(not found|not exist|no longer|deprecated|decommissioned)|(unknown|invalid|no such) model|not a valid model|no endpoints found for|no models? (is |are )?loaded|(not found|pull).{0,40}\bmodel/i.test(
        said
      ) ||
        /deployment.{0,40}not exist/i.test(said)),
    'MODEL_UNKNOWN',
    'the model service does not know this model: check LLM_MODEL'
  ],
  [
    is(403),
    'MODEL_FORBIDDEN',
    'the model service does not let this platform use the model: check the rights of the key, the region and the plan'
  ]
]

/** A server that has not got the model yet; one that knows none says so with 4xx. */
function isLoading(status: number | null, said: string): boolean {
  return status === 503 || (status !== null && status >= 500 && /\bloading\b/i.test(said))
}

const CONTEXT = says(/context.?(length|window|size)|(prompt|input|request).{0,30}too (long|large)|too many tokens/i)

/** What an error means for those who wait, and for whoever runs the service. */
export function diagnose(error: unknown): Diagnosis {
  if (error instanceof DeadlineError)
    return passing(
      'MODEL_TIMEOUT',
      `the model did not answer in time (${error.message}): a slow one needs a larger LLM_TIMEOUT`
    )
  if (error instanceof UnreadableError)
    return {
      ...passing(
        'MODEL_BAD_ANSWER',
        'the model service gives answers that cannot be read: check that LLM_BASE_URL is that of its API'
      ),
      isAboutForm: true
    }
  if (!(error instanceof ServiceError))
    return passing(
      'MODEL_UNREACHABLE',
      'the model service cannot be reached: check LLM_BASE_URL, the network and its certificate'
    )
  const { status, message: said } = error
  const final = FINAL.find(([when]) => when(status, said))
  if (final !== undefined) return { failure: final[1], message: final[2], isPassing: false, isAboutForm: false }
  const place = status === null ? '' : ` (${status})`
  if (status === 429)
    return passing(
      'MODEL_BUSY',
      'the model service lets this platform ask no more for now: ask less at a time (GENERATION_CONCURRENCY), or raise its limit'
    )
  const isContext = status === 413 || CONTEXT(status, said)
  if (isContext && (status === null || status < 500 || /context.?(length|window|size)/i.test(said)))
    return {
      ...refused('MODEL_TOO_LONG', 'the question does not fit into the context of the model: give it a larger one'),
      isAboutForm: true
    }
  if (status === null || status >= 500 || is(408, 409, 425)(status))
    return { ...passing('MODEL_DOWN', `the model service failed${place}`), isAboutForm: true }
  if (status < 400 || is(404, 405)(status))
    return {
      ...refused('MODEL_MISCONFIGURED', `there is no chat at this address${place}: check LLM_BASE_URL`),
      isAboutForm: status >= 400
    }
  return { ...refused('MODEL_MISCONFIGURED', `the model service refused the request${place}`), isAboutForm: true }
}

function passing(failure: Failure, message: string): Diagnosis {
  return { failure, message, isPassing: true, isAboutForm: false }
}

function refused(failure: Failure, message: string): Diagnosis {
  return { failure, message, isPassing: false, isAboutForm: false }
}

/** Whether somebody else answers here than a service that completes chats. */
export function isElsewhere(error: unknown): boolean {
  if (error instanceof UnreadableError) return / chat: \s*</.test(error.message)
  if (!(error instanceof ServiceError)) return false
  const { status, message } = error
  return (
    status === 404 || status === 405 || /(unexpected|unknown|no such) (endpoint|url|path)|invalid url/i.test(message)
  )
}
