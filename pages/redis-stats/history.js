import { ask, CACHE } from './api.js'
import { createChart } from './chart.js'
import { byId } from './dom.js'
import { bytes, percent, rate, short } from './format.js'
import { words } from './words.js'

const REFRESH_MS = 60_000
/** Round sizes for an axis. */
const SIZES = Array.from({ length: 40 }, (_, power) => 2 ** power)
const fromZero = (least) => (_plot, _low, high) => [0, Math.max(least, (high ?? 0) * 1.1)]

/** Whether any process reported in this step; otherwise the lines have a gap there, not a zero. */
export const isKnown = ({ requests, opsPerSecond, hits, misses, stale, bypassed }) =>
  requests !== null || opsPerSecond !== null || hits + misses + stale + bypassed > 0

/** The charts of the overview: the last hour from the reports, or a longer range that is fetched. */
export function createHistory() {
  const chart = (id, options) => {
    const root = byId(id)
    root.dataset.label = root.previousElementSibling.textContent
    return createChart(root, options)
  }
  const ratio = chart('chart-ratio', {
    series: [
      { label: words.hitRatio, color: '--series-1' },
      { label: words.goal, color: '--muted', dash: [5, 5] }
    ],
    scale: () => [0, 1],
    format: percent
  })
  const reads = chart('chart-reads', {
    series: [
      { label: words.hits, color: '--series-1', bars: true },
      { label: words.misses, color: '--series-2', bars: true },
      { label: words.stale, color: '--series-3', bars: true },
      { label: words.bypassed, color: '--series-4', bars: true }
    ],
    scale: fromZero(1),
    stacked: true
  })
  const line = (id, label, format, least, steps) =>
    chart(id, { series: [{ label, color: '--series-1' }], scale: fromZero(least), format, steps })
  const requests = line('chart-requests', words.now, rate, 1)
  const operations = line('chart-operations', words.now, short, 1)
  const memory = line('chart-memory', words.now, bytes, 1024 * 1024, SIZES)

  function draw(items, stepS, goal) {
    const times = items.map(({ at }) => Date.parse(at) / 1000)
    const each = (value) => items.map((item) => (isKnown(item) ? value(item) : null))
    ratio.update(times, [
      each(({ hits, misses }) => (hits + misses === 0 ? null : hits / (hits + misses))),
      times.map(() => goal)
    ])
    const perMinute = (count) => (count * 60) / stepS
    reads.update(
      times,
      ['hits', 'misses', 'stale', 'bypassed'].map((name) => each((item) => perMinute(item[name])))
    )
    // Leave out the current step, which is incomplete.
    requests.update(times, [
      each((item) => (item === items.at(-1) || item.requests === null ? null : item.requests / stepS))
    ])
    operations.update(times, [items.map(({ opsPerSecond }) => opsPerSecond)])
    memory.update(times, [items.map(({ usedBytes }) => usedBytes)])
  }

  const hours = () => Number(document.querySelector('input[name=range]:checked').value)
  let goal = null
  /** The last known hour: without Redis, reports have no history, and this stays on screen. */
  let hour = []
  let askedAt = 0
  async function longer() {
    askedAt = Date.now()
    const asked = hours()
    // Without Redis there is no history.
    const { items, stepS } = await ask('GET', `${CACHE}/history`, { hours: asked }).catch(() => ({ items: [] }))
    if (asked === hours()) draw(items, stepS, goal)
  }
  const redraw = () => (hours() === 1 ? draw(hour, 60, goal) : longer())
  for (const input of document.querySelectorAll('input[name=range]')) input.addEventListener('change', redraw)

  return {
    update(report) {
      goal = report.hitRatio.goal
      if (report.history.length > 0) hour = report.history
      if (hours() === 1) draw(hour, 60, goal)
      else if (Date.now() - askedAt > REFRESH_MS) longer()
    }
  }
}
