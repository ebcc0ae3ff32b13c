import type { Observer } from '#cache'
import type { Config } from '#config/config.ts'
import type { Log } from '#logging/log.ts'

/** Traces, where the operator wants them. */
export interface Tracing {
  /** Makes spans of what the cache does. */
  readonly cacheObserver: Observer
  /** The trace that is under way, for log lines. */
  activeIds(): TraceIds | undefined
  /** From now on `log` is told when spans cannot be sent, once an outage. */
  reportTo(log: Log): void
  /** Sends what is left, for a second and a half at most. */
  close(): Promise<void>
}

export interface TraceIds {
  readonly traceId: string
  readonly spanId: string
}

/**
 * Starts OpenTelemetry, or resolves to null where the configuration does not ask for it: then nothing of it is loaded. To be called before
 * `pg` is loaded, which it instruments.
 */
export async function startTracing({ tracing, role }: Pick<Config, 'tracing' | 'role'>): Promise<Tracing | null> {
  if (tracing === null) return null
  const { startOpenTelemetry } = await import('./open-telemetry.ts')
  return startOpenTelemetry(tracing, role)
}
