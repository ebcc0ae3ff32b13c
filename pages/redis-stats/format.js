import { language } from './settings.js'
import { words } from './words.js'

/** Formats numbers, sizes and times in the user's language; unknown values become a dash. */
export const UNKNOWN = '–'

const known = (format) => (value) => (value === null || value === undefined ? UNKNOWN : format(value))
const numbers = (options) => new Intl.NumberFormat(language, options)
const unit = (name, options) => numbers({ style: 'unit', unit: name, unitDisplay: 'short', ...options })

const whole = numbers()
const compact = numbers({ notation: 'compact', maximumFractionDigits: 1 })
const percents = numbers({ style: 'percent', maximumFractionDigits: 1 })
const sizes = numbers({ maximumFractionDigits: 1 })
const rates = numbers({ maximumSignificantDigits: 3 })

export const number = known((value) => whole.format(value))
/** The service counts no further than this. */
const COUNTED = 10_000
export const atMost = (value) => (value >= COUNTED ? `${whole.format(COUNTED)}+` : number(value))
export const short = known((value) => compact.format(value))
export const rate = known((value) => rates.format(value))
export const percent = known((value) => percents.format(value))

/** In units of 1024, like Redis. */
export const bytes = known((value) => {
  const power = value < 1 ? 0 : Math.min(words.sizes.length - 1, Math.floor(Math.log2(value) / 10))
  return `${sizes.format(value / 1024 ** power)} ${words.sizes[power]}`
})

const milliseconds = unit('millisecond', { maximumSignificantDigits: 3 })
/** Formats a duration given in ms. */
export const ms = known((value) => milliseconds.format(value))

const narrow = (name) => unit(name, { unitDisplay: 'narrow' })
const DURATIONS = [
  [86_400, narrow('day')],
  [3600, narrow('hour')],
  [60, narrow('minute')],
  [1, narrow('second')]
]
/** Formats a duration given in seconds, in its two largest units: `2h 5m`. */
export const duration = known((seconds) => {
  const first = DURATIONS.findIndex(([size]) => seconds >= size)
  if (first === -1) return DURATIONS[3][1].format(0)
  let rest = Math.floor(seconds)
  const parts = DURATIONS.slice(first, first + 2).map(([size, format]) => {
    const count = Math.floor(rest / size)
    rest -= count * size
    return [count, format]
  })
  return parts
    .filter(([count]) => count > 0)
    .map(([count, format]) => format.format(count))
    .join(' ')
})
/** Formats how long ago a time was. */
export const since = known((time) => duration(Math.max(0, (Date.now() - Date.parse(time)) / 1000)))

const clocks = new Intl.DateTimeFormat(language, { timeStyle: 'medium', hourCycle: 'h23' })
const moments = new Intl.DateTimeFormat(language, {
  day: 'numeric',
  month: 'short',
  hour: '2-digit',
  minute: '2-digit',
  hourCycle: 'h23'
})
const full = new Intl.DateTimeFormat(language, { dateStyle: 'long', timeStyle: 'medium', hourCycle: 'h23' })

/** Formats a time: today's without the date, others with it. */
export const when = known((time) => {
  const date = new Date(time)
  return date.toDateString() === new Date().toDateString() ? clocks.format(date) : moments.format(date)
})
/** The full date and time, for tooltips. */
export const exactly = known((time) => full.format(new Date(time)))
