import { ms, number, percent } from './format.js'
import { createTable } from './table.js'
import { words } from './words.js'

/** Latency and errors by route, sorted by any column. */
export function createRoutes() {
  const numeric = (title) => ({ title, number: true, sort: true })
  const columns = [
    { title: words.route },
    ...[words.count, words.errors, 'p50', 'p95', 'p99', words.cached].map(numeric)
  ]
  const table = createTable('routes-table', columns, { empty: words.noRequests, sortBy: { column: 1, down: true } })
  return {
    update({ routes }) {
      const most = Math.max(1, ...routes.map(({ requests }) => requests))
      table.update(
        routes.map(({ method, route, requests, errors, p50Ms, p95Ms, p99Ms, cached }) => [
          { text: `${method} ${route}`, code: true, bar: requests / most },
          { text: number(requests), value: requests },
          {
            text: errors === 0 ? '0' : `${number(errors)} (${percent(errors / requests)})`,
            value: errors,
            kind: errors === 0 ? 'muted' : 'bad'
          },
          ...[p50Ms, p95Ms, p99Ms].map((value) => ({ text: ms(value), value })),
          { text: percent(cached), value: cached }
        ])
      )
    }
  }
}
