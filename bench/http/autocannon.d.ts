/** The part of autocannon that the benchmarks use; the package has no types. */
declare module 'autocannon' {
  interface Client {
    /** Sent in turns. */
    setRequests(requests: { path: string }[]): void
    on(event: 'response', heard: () => void): void
  }
  interface Options {
    url: string
    connections: number
    /** In seconds. */
    duration: number
    headers?: Record<string, string>
    /** Called for each connection. */
    setupClient?: (client: Client) => void
  }
  interface Result {
    requests: { average: number }
    /** In ms. */
    latency: { p50: number; p99: number; p99_9: number }
    errors: number
    timeouts: number
    '4xx': number
    '5xx': number
  }
  export default function autocannon(options: Options): Promise<Result>
}
