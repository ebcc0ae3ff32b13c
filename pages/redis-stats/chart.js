import { el } from './dom.js'
import { short, UNKNOWN, when } from './format.js'
import { language, onColours } from './settings.js'
import uPlot from './uPlot.esm.js'
import { words } from './words.js'

const HEIGHT = 180
const MIN_WIDTH = 200
/** Synchronizes the cursor of all charts. */
const together = uPlot.sync('charts')
const minutes = new Intl.DateTimeFormat(language, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' })

/** The value of a colour of the style sheet in the current theme, because a canvas does not support `light-dark()`. */
function colour(name) {
  const probe = document.body.appendChild(el('i'))
  probe.style.color = `var(${name})`
  const { color } = getComputedStyle(probe)
  probe.remove()
  return color
}

const faint = (rgb) => rgb.replace(/^rgb\((.+)\)$/, 'rgb($1 / 14%)').replaceAll(',', ' ')

function axes(format, steps) {
  const line = { stroke: colour('--line'), width: 1 }
  const axis = { stroke: colour('--muted'), grid: line, ticks: { show: false }, font: '11px system-ui, sans-serif' }
  return [
    {
      ...axis,
      grid: { show: false },
      size: 28,
      space: 64,
      values: (_plot, at) => at.map((time) => minutes.format(time * 1000))
    },
    { ...axis, size: 54, space: 36, incrs: steps, values: (_plot, values) => values.map(format) }
  ]
}

/** How a series is drawn: a line over a faint area, a dashed line, or bars. */
function drawn({ label, color, dash, bars }) {
  const stroke = colour(color)
  if (bars)
    return { label, fill: stroke, width: 0, points: { show: false }, paths: uPlot.paths.bars({ size: [0.8, 20] }) }
  // A value between two unknown ones is drawn as a point.
  const lonely = (plot, index) => {
    const line = plot.data[index]
    const isKnown = (at) => (line[at] ?? null) !== null
    return line.flatMap((_, at) => (isKnown(at) && !isKnown(at - 1) && !isKnown(at + 1) ? [at] : []))
  }
  const points = { show: false, filter: dash ? () => [] : lonely, size: 5, fill: stroke }
  return { label, stroke, width: dash ? 1.5 : 2, dash, points, ...(dash ? {} : { fill: faint(stroke) }) }
}

/**
 * A chart in `root`, with a legend that shows the values under the cursor, or the last ones; arrow keys move the
 * cursor. `series` are `{ label, color, dash, bars }`. `update(times, values)` sets the data: times in seconds, and
 * null for unknown values. With `stacked`, the first series is at the bottom.
 */
export function createChart(root, { series, scale, format = short, steps, stacked = false }) {
  const area = el('div', { class: 'area', tabindex: '0', role: 'img' })
  const nothing = el('p', { class: 'empty', hidden: true }, words.noData)
  const values = series.map(() => el('b', {}, UNKNOWN))
  const at = el('li', { class: 'at' })
  const items = series.map(({ label, color, dash }, index) => {
    const swatch = el('i', { class: dash ? 'dash' : null, 'aria-hidden': 'true' })
    swatch.style.color = `var(${color})`
    return el('li', {}, swatch, `${label} `, values[index])
  })
  root.replaceChildren(area, nothing, el('ul', { class: 'legend', 'aria-hidden': 'true' }, ...items, at))

  let data = [[], ...series.map(() => [])]
  let plot = null
  const order = series.map((_, index) => index)
  if (stacked) order.reverse()

  const lastKnown = () =>
    data[0].findLastIndex((_, index) => series.some(({ dash }, line) => !dash && data[line + 1][index] !== null))
  function legend() {
    const index = plot?.cursor.idx ?? null
    const shown = index ?? lastKnown()
    for (const [line, value] of values.entries()) value.textContent = format(data[line + 1][shown] ?? null)
    at.textContent = index === null ? '' : when(data[0][index] * 1000)
    const said = series.map(({ label }, line) => `${label}: ${values[line].textContent}`)
    area.setAttribute('aria-label', `${root.dataset.label}. ${said.join(', ')}`)
  }

  /** The data to draw. Stacked bars are cumulative, with the tallest at the back. */
  function toDraw() {
    if (!stacked) return data
    const heights = series.map((_, line) =>
      data[0].map((_, index) =>
        data[1][index] === null ? null : data.slice(1, line + 2).reduce((sum, part) => sum + part[index], 0)
      )
    )
    return [data[0], ...order.map((line) => heights[line])]
  }

  /** Leaves room for half a bar at both ends, so that the first and the last are as wide as the others. */
  const spread = (_plot, from, to) => {
    const half = stacked && data[0].length > 1 ? (data[0][1] - data[0][0]) / 2 : 0
    return [from - half, to + half]
  }
  const width = () => Math.max(MIN_WIDTH, area.clientWidth)
  function draw() {
    plot?.destroy()
    const options = {
      width: width(),
      height: HEIGHT,
      padding: [8, 8, 0, 0],
      legend: { show: false },
      cursor: {
        y: false,
        drag: { x: false, y: false },
        points: { show: !stacked, size: 7 },
        sync: { key: together.key }
      },
      scales: { x: { range: spread }, y: { range: scale } },
      series: [{}, ...order.map((line) => drawn(series[line]))],
      axes: axes(format, steps),
      hooks: { setCursor: [legend] }
    }
    plot = new uPlot(options, toDraw(), area)
  }

  area.addEventListener('keydown', ({ key }) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[key]
    if (step === undefined || data[0].length === 0) return
    const index = Math.max(0, Math.min(data[0].length - 1, (plot.cursor.idx ?? data[0].length) + step))
    plot.setCursor({ left: plot.valToPos(data[0][index], 'x'), top: 0 })
  })
  area.addEventListener('blur', () => plot.setCursor({ left: -10, top: -10 }))
  new ResizeObserver(() => plot.setSize({ width: width(), height: HEIGHT })).observe(area)
  onColours(draw)
  draw()

  return {
    update(times, lines) {
      data = [times, ...lines]
      plot.setData(toDraw())
      nothing.hidden = lastKnown() !== -1
      legend()
    }
  }
}
