import type { Log } from '#logging/log.ts'

/** A log that records its lines. */
export function recordingLog(): { log: Log; written: () => string } {
  const lines: string[] = []
  const write = (fields: object, message: string) => void lines.push(`${message} ${JSON.stringify(fields)}`)
  return { log: { debug: write, info: write, warn: write, error: write }, written: () => lines.join('\n') }
}
