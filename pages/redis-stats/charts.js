import uPlot from './uPlot.esm.js'
import { language, words } from './words.js'

/** How many samples the live charts keep: ten minutes, one every two seconds. */
const SAMPLES = 300
const HEIGHT = 190

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim()
const minutes = new Intl.DateTimeFormat(language, { hour: '2-digit', minute: '2-digit' })
const seconds = new Intl.DateTimeFormat(language, { timeStyle: 'medium' })
const short = new Intl.NumberFormat(language, { notation: 'compact', maximumFractionDigits: 1 })

function axes(format, clock) {
  const line = { stroke: colour('--line'), width: 1 }
  const axis = { stroke: colour('--muted'), grid: line, ticks: line }
  return [
    { ...axis, size: 32, space: 84, values: (_plot, times) => times.map((time) => clock.format(time * 1000)) },
    { ...axis, size: 56, values: (_plot, values) => values.map(format) }
  ]
}

/** A chart in the element `id`, redrawn when its width or the colour scheme changes; `update` gives it data. */
function chart(id, { series, scale, format = (value) => short.format(value), clock = minutes }) {
  const element = document.getElementById(id)
  let data = [[], ...series.map(() => [])]
  let plot = null
  const draw = () => {
    plot?.destroy()
    const lines = series.map(({ label, stroke, fill, dash, bars, points = false }) => ({
      label,
      stroke: colour(stroke),
      width: 2,
      dash,
      points: { show: points, size: 4 },
      ...(fill ? { fill: `${colour(stroke)}26` } : {}),
      ...(bars ? { paths: uPlot.paths.bars({ size: [0.7, 24] }), width: 0, fill: colour(stroke) } : {}),
      value: (_plot, value) => (value === null ? '–' : format(value))
    }))
    const options = {
      width: Math.max(200, element.clientWidth),
      height: HEIGHT,
      legend: { show: false },
      cursor: { y: false },
      scales: { y: { range: scale } },
      series: [{}, ...lines],
      axes: axes(format, clock)
    }
    plot = new uPlot(options, data, element)
  }
  new ResizeObserver(() => plot?.setSize({ width: Math.max(200, element.clientWidth), height: HEIGHT })).observe(
    element
  )
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', draw)
  draw()
  return {
    update(next) {
      data = next
      plot.setData(data)
    }
  }
}

const fromZero = (_plot, _low, high) => [0, Math.max(1, high * 1.1)]
const percent = (value) => `${Math.round(value * 100)} %`

/** All charts of the page; `update` takes a report. */
export function createCharts() {
  const ratio = chart('chart-ratio', {
    series: [
      { label: words.hitRatio, stroke: '--accent', fill: true, points: true },
      { label: words.goal, stroke: '--warn', dash: [6, 6] }
    ],
    scale: () => [0, 1],
    format: percent
  })
  const reads = chart('chart-reads', {
    series: [
      { label: words.misses, stroke: '--warn', bars: true },
      { label: words.hits, stroke: '--good', fill: true }
    ],
    scale: fromZero
  })
  const operations = chart('chart-operations', {
    series: [{ label: words.operations, stroke: '--accent', fill: true }],
    scale: fromZero,
    clock: seconds
  })
  const memory = chart('chart-memory', {
    series: [{ label: words.memory, stroke: '--accent', fill: true }],
    scale: fromZero,
    clock: seconds
  })
  const live = { times: [], operations: [], megabytes: [] }

  return {
    update({ at, history, hitRatio, nodes }) {
      const times = history.map((minute) => Date.parse(minute.at) / 1000)
      const ratios = history.map(({ hits, misses }) => (hits + misses === 0 ? null : hits / (hits + misses)))
      ratio.update([times, ratios, times.map(() => hitRatio.goal)])
      reads.update([times, history.map(({ misses }) => misses), history.map(({ hits }) => hits)])
      const sum = (field) => nodes.reduce((total, node) => total + node[field], 0)
      if (nodes.length === 0) return
      live.times.push(Date.parse(at) / 1000)
      live.operations.push(sum('opsPerSecond'))
      live.megabytes.push(sum('usedBytes') / 1024 / 1024)
      for (const values of Object.values(live)) if (values.length > SAMPLES) values.shift()
      operations.update([live.times, live.operations])
      memory.update([live.times, live.megabytes])
    }
  }
}
