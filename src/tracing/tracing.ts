import type { Observer } from '#cache'
import type { Config } from '#config/config.ts'
import type { Log } from '#logging/log.ts'

/** Tracing, if the operator has configured it. */
export interface Tracing {
  /** Creates spans for the work of the cache. */
  readonly cacheObserver: Observer
  /** The ids of the active trace, for log lines. */
  activeIds(): TraceIds | undefined
  /** Logs to `log`, once per outage, that spans cannot be sent. */
  reportTo(log: Log): void
  /** Sends the remaining spans, for at most 1.5 s. */
  close(): Promise<void>
}

export interface TraceIds {
  readonly traceId: string
  readonly spanId: string
}

/**
 * Starts OpenTelemetry. Resolves to null, without loading it, if tracing is not configured. Call it before `pg` is
 * loaded, because it instruments `pg`.
 */
export async function startTracing({ tracing, role }: Pick<Config, 'tracing' | 'role'>): Promise<Tracing | null> {
  if (tracing === null) return null
  const { startOpenTelemetry } = await import('./open-telemetry.ts')
  return startOpenTelemetry(tracing, role)
}
