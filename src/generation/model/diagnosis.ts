import type { Failure } from '../failures.ts'
import { DeadlineError } from './http.ts'
import { ServiceError, UnreadableError } from './service-error.ts'

export interface Diagnosis {
  /** For the user. */
  readonly failure: Failure
  /** For the operator, who also sees the error of the service. */
  readonly message: string
  /** Whether a retry of the same request may work. */
  readonly isTemporary: boolean
  /** The service may object to the shape of the request, so a fallback is worth a try. */
  readonly mayBeShape: boolean
}

type Rule = [when: (status: number | null, errorText: string) => boolean, failure: Failure, message: string]

const says = (words: RegExp) => (_status: number | null, errorText: string) => words.test(errorText)
const is =
  (...statuses: number[]) =>
  (status: number | null) =>
    status !== null && statuses.includes(status)

/**
 * Failures that no retry fixes. The message decides before the status: services use the same status for many things.
 */
const FINAL: readonly Rule[] = [
  [
    (status, errorText) =>
      status !== 401 &&
      /content_?filter|content[_ ](policy|management)|responsible_?ai|moderation|was flagged|prohibited_content/i.test(
        errorText
      ),
    'MODEL_FILTERED',
    'the content filter of the model service stopped the question or the answer'
  ],
  [
    (status, errorText) =>
      status === 401 ||
      (status !== 429 &&
        /api.?key.{0,30}(not valid|invalid|incorrect|expired)|(invalid|incorrect).{0,12}api.?key/i.test(errorText)),
    'MODEL_KEY',
    'the model service rejects the API key: check LLM_API_KEY'
  ],
  [
    (status, errorText) =>
      status === 402 ||
      /insufficient.{0,3}(quota|balance|credit|fund)|credit balance|billing_(hard_limit|not_active)|out of credits/i.test(
        errorText
      ),
    'MODEL_UNPAID',
    'the quota or credit at the model service is used up: top it up, or raise the limit there'
  ],
  [
    (status, errorText) =>
      status !== 429 &&
      !isLoading(status, errorText) &&
      (/model_not_found|model.{0,80}(not found|not exist|no longer|deprecated|decommissioned)|(unknown|invalid|no such) model|not a valid model|no endpoints found for|no models? (is |are )?loaded|(not found|pull).{0,40}\bmodel/i.test(
        errorText
      ) ||
        /deployment.{0,40}not exist/i.test(errorText)),
    'MODEL_UNKNOWN',
    'the model service does not know this model: check LLM_MODEL'
  ],
  [
    is(403),
    'MODEL_FORBIDDEN',
    'the model service does not allow the use of this model: check the permissions of the key, the region and the plan'
  ]
]

/** The server is still loading the model. One that does not know the model answers with 4xx. */
function isLoading(status: number | null, errorText: string): boolean {
  return status === 503 || (status !== null && status >= 500 && /\bloading\b/i.test(errorText))
}

const CONTEXT = says(/context.?(length|window|size)|(prompt|input|request).{0,30}too (long|large)|too many tokens/i)

/** Translates an error for the user and for the operator, and says what may help. */
export function diagnose(error: unknown): Diagnosis {
  if (error instanceof DeadlineError)
    return temporary(
      'MODEL_TIMEOUT',
      `the model did not answer in time (${error.message}): raise LLM_TIMEOUT for a slow model`
    )
  if (error instanceof UnreadableError)
    return {
      ...temporary(
        'MODEL_BAD_ANSWER',
        'the answers of the model service cannot be parsed: check that LLM_BASE_URL points to its API'
      ),
      mayBeShape: true
    }
  if (!(error instanceof ServiceError))
    return temporary(
      'MODEL_UNREACHABLE',
      'the model service cannot be reached: check LLM_BASE_URL, the network and the certificate'
    )
  const { status, message: errorText } = error
  const final = FINAL.find(([when]) => when(status, errorText))
  if (final !== undefined) return { failure: final[1], message: final[2], isTemporary: false, mayBeShape: false }
  const suffix = status === null ? '' : ` (${status})`
  if (status === 429)
    return temporary(
      'MODEL_BUSY',
      'the model service limits the rate of requests: lower GENERATION_CONCURRENCY, or raise the limit there'
    )
  const isContext = status === 413 || CONTEXT(status, errorText)
  if (isContext && (status === null || status < 500 || /context.?(length|window|size)/i.test(errorText)))
    return {
      ...refused('MODEL_TOO_LONG', 'the prompt does not fit into the context of the model: enlarge the context'),
      mayBeShape: true
    }
  if (status === null || status >= 500 || is(408, 409, 425)(status))
    return { ...temporary('MODEL_DOWN', `the model service failed${suffix}`), mayBeShape: true }
  if (status < 400 || is(404, 405)(status))
    return {
      ...refused('MODEL_MISCONFIGURED', `there is no chat API at this URL${suffix}: check LLM_BASE_URL`),
      mayBeShape: status >= 400
    }
  return { ...refused('MODEL_MISCONFIGURED', `the model service refused the request${suffix}`), mayBeShape: true }
}

function temporary(failure: Failure, message: string): Diagnosis {
  return { failure, message, isTemporary: true, mayBeShape: false }
}

function refused(failure: Failure, message: string): Diagnosis {
  return { failure, message, isTemporary: false, mayBeShape: false }
}

/** Whether the answer comes from something other than a chat API, so another URL is worth a try. */
export function isWrongUrl(error: unknown): boolean {
  if (error instanceof UnreadableError) return / chat completion: \s*</.test(error.message)
  if (!(error instanceof ServiceError)) return false
  const { status, message } = error
  return (
    status === 404 || status === 405 || /(unexpected|unknown|no such) (endpoint|url|path)|invalid url/i.test(message)
  )
}
