import { validateHeaderName, validateHeaderValue } from 'node:http'
import { ConfigError, choice, type Environment, integer, secret, text, url } from './environment.ts'

const PROTOCOLS = ['http/protobuf', 'http/json'] as const
const SAMPLERS = [
  'always_on',
  'always_off',
  'traceidratio',
  'parentbased_always_on',
  'parentbased_always_off',
  'parentbased_traceidratio'
] as const

/** What its SDK would divide by, or wait for; in ms and spans. */
const BATCHES = {
  OTEL_BSP_MAX_EXPORT_BATCH_SIZE: 100_000,
  OTEL_BSP_MAX_QUEUE_SIZE: 1_000_000,
  OTEL_BSP_SCHEDULE_DELAY: 600_000,
  OTEL_BSP_EXPORT_TIMEOUT: 600_000,
  OTEL_EXPORTER_OTLP_TIMEOUT: 600_000,
  OTEL_EXPORTER_OTLP_TRACES_TIMEOUT: 600_000
} as const

/**
 * Where spans are sent, by the variables that OpenTelemetry has for it; null is nowhere. Sampling, the name of the service and the rest are
 * read by its SDK: what is checked here is what it would pass over in silence.
 */
export function readTracing(env: Environment) {
  const endpoint =
    url(env, 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', ['http:', 'https:']) ??
    url(env, 'OTEL_EXPORTER_OTLP_ENDPOINT', ['http:', 'https:'])
  const general = choice(env, 'OTEL_EXPORTER_OTLP_PROTOCOL', 'http/protobuf', PROTOCOLS)
  const protocol = choice(env, 'OTEL_EXPORTER_OTLP_TRACES_PROTOCOL', general, PROTOCOLS)
  choice(env, 'OTEL_TRACES_SAMPLER', 'parentbased_always_on', SAMPLERS)
  const share = text(env, 'OTEL_TRACES_SAMPLER_ARG')
  if (share !== null && !/^(0?\.\d+|0|1)(?:\.0+)?$/.test(share)) {
    throw new ConfigError('OTEL_TRACES_SAMPLER_ARG', share, 'allowed is a share of the traces, from 0 to 1')
  }
  for (const [name, most] of Object.entries(BATCHES)) integer(env, name, 1, 1, most)
  const headers = readHeaders(env, 'OTEL_EXPORTER_OTLP_HEADERS')
  readHeaders(env, 'OTEL_EXPORTER_OTLP_TRACES_HEADERS')
  const disabled = choice(env, 'OTEL_SDK_DISABLED', 'false', ['true', 'false']) === 'true'
  const exporter = choice(env, 'OTEL_TRACES_EXPORTER', 'otlp', ['otlp', 'none'])
  if (endpoint === null || disabled || exporter === 'none') return null
  return { endpoint, protocol, headers }
}

/** Headers as they are given, percent-encoded, once it is known that they can be sent. */
function readHeaders(env: Environment, name: string): string | null {
  const headers = secret(env, name, 1)
  for (const pair of headers?.split(',') ?? []) {
    const [header = '', ...rest] = pair.split('=')
    try {
      validateHeaderName(decodeURIComponent(header.trim()))
      validateHeaderValue(header.trim(), decodeURIComponent(rest.join('=').trim()))
      if (rest.length === 0) throw new TypeError('no value')
    } catch {
      throw new ConfigError(name, pair, 'allowed is "name=value,name=value", percent-encoded', true)
    }
  }
  return headers
}
