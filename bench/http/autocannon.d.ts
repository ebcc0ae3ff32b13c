/** What is used here of autocannon, which has no types of its own. */
declare module 'autocannon' {
  interface Options {
    url: string
    connections: number
    /** In seconds. */
    duration: number
    headers?: Record<string, string>
    requests?: { path: string }[]
  }
  interface Result {
    requests: { average: number }
    latency: { p99: number }
    errors: number
    timeouts: number
    '4xx': number
    '5xx': number
  }
  export default function autocannon(options: Options): Promise<Result>
}
