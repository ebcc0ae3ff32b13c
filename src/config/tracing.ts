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

/** The maximum values of settings that the SDK divides by or waits for, in spans or ms. */
const BATCHES = {
  OTEL_BSP_MAX_EXPORT_BATCH_SIZE: 100_000,
  OTEL_BSP_MAX_QUEUE_SIZE: 1_000_000,
  OTEL_BSP_SCHEDULE_DELAY: 600_000,
  OTEL_BSP_EXPORT_TIMEOUT: 600_000,
  OTEL_EXPORTER_OTLP_TIMEOUT: 600_000,
  OTEL_EXPORTER_OTLP_TRACES_TIMEOUT: 600_000
} as const

/**
 * Where spans are sent, from the standard variables of OpenTelemetry; null if tracing is off. The SDK reads sampling,
 * the service name and other settings itself; they are only checked here if the SDK would silently ignore invalid
 * values.
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
    throw new ConfigError('OTEL_TRACES_SAMPLER_ARG', share, 'must be a fraction of the traces, between 0 and 1')
  }
  for (const [name, max] of Object.entries(BATCHES)) integer(env, name, 1, 1, max)
  const headers = readHeaders(env, 'OTEL_EXPORTER_OTLP_HEADERS')
  readHeaders(env, 'OTEL_EXPORTER_OTLP_TRACES_HEADERS')
  const disabled = choice(env, 'OTEL_SDK_DISABLED', 'false', ['true', 'false']) === 'true'
  const exporter = choice(env, 'OTEL_TRACES_EXPORTER', 'otlp', ['otlp', 'none'])
  if (endpoint === null || disabled || exporter === 'none') return null
  return { endpoint, protocol, headers }
}

/** Headers as given, percent-encoded, after checking that they can be sent. */
function readHeaders(env: Environment, name: string): string | null {
  const headers = secret(env, name, 1)
  for (const pair of headers?.split(',') ?? []) {
    const [header = '', ...rest] = pair.split('=')
    try {
      validateHeaderName(decodeURIComponent(header.trim()))
      validateHeaderValue(header.trim(), decodeURIComponent(rest.join('=').trim()))
      if (rest.length === 0) throw new TypeError('no value')
    } catch {
      throw new ConfigError(name, pair, 'must be "name=value,name=value", percent-encoded', true)
    }
  }
  return headers
}
