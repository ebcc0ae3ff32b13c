import { ConfigError, choice, type Environment, secret, text, url } from './environment.ts'

const PROTOCOLS = ['http/protobuf', 'http/json'] as const
const SAMPLERS = [
  'always_on',
  'always_off',
  'traceidratio',
  'parentbased_always_on',
  'parentbased_always_off',
  'parentbased_traceidratio'
] as const

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
  const headers = secret(env, 'OTEL_EXPORTER_OTLP_HEADERS', 1)
  if (headers !== null && !headers.split(',').every((one) => /^\s*[^=\s]+\s*=/.test(one))) {
    throw new ConfigError('OTEL_EXPORTER_OTLP_HEADERS', headers, 'allowed is "name=value,name=value"', true)
  }
  const disabled = choice(env, 'OTEL_SDK_DISABLED', 'false', ['true', 'false']) === 'true'
  const exporter = choice(env, 'OTEL_TRACES_EXPORTER', 'otlp', ['otlp', 'none'])
  if (endpoint === null || disabled || exporter === 'none') return null
  return { endpoint, protocol, headers }
}
