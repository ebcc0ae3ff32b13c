import { createCharts } from './charts.js'
import { setUpClearing } from './clearing.js'
import { language, translate, words } from './words.js'

const number = new Intl.NumberFormat(language)
const fraction = new Intl.NumberFormat(language, { maximumFractionDigits: 2 })
const percent = new Intl.NumberFormat(language, { style: 'percent', maximumFractionDigits: 1 })
const time = new Intl.DateTimeFormat(language, { timeStyle: 'medium' })
const moment = new Intl.DateTimeFormat(language, { dateStyle: 'short', timeStyle: 'short' })

const element = (id) => document.getElementById(id)

translate()
setUpClearing()
const charts = createCharts()

function bytes(value) {
  const units = ['B', 'KB', 'MB', 'GB', 'TB']
  const power = value < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(value) / 10))
  return `${number.format(Math.round((value / 1024 ** power) * 10) / 10)} ${units[power]}`
}

function show(id, text, kind = '') {
  element(id).textContent = text
  element(id).classList.remove('good', 'warn', 'bad')
  if (kind !== '') element(id).classList.add(kind)
}

const ratioText = (ratio) => (ratio === null ? '–' : percent.format(ratio))
const ratioKind = (ratio, goal) => (ratio === null ? '' : ratio >= goal ? 'good' : 'warn')

/** A table of rows of cells; a cell is its text, or `{ text, kind }`; columns that begin with `#` hold numbers. */
function table(id, columns, rows) {
  const cell = (name, content, index) => {
    const td = document.createElement(name)
    const { text, kind } = typeof content === 'object' ? content : { text: content }
    td.textContent = text
    if (kind) td.classList.add(kind)
    if (columns[index].startsWith('#')) td.classList.add('number')
    return td
  }
  const row = (name, cells) => {
    const tr = document.createElement('tr')
    tr.append(...cells.map((content, index) => cell(name, content, index)))
    return tr
  }
  const head = document.createElement('thead')
  head.append(
    row(
      'th',
      columns.map((column) => column.replace('#', ''))
    )
  )
  const body = document.createElement('tbody')
  body.append(...rows.map((cells) => row('td', cells)))
  element(id).replaceChildren(head, body)
}

function showTiles({ mode, hitRatio, nodes, outbox }) {
  for (const part of document.querySelectorAll('.redis-only')) part.hidden = mode === 'embedded'
  show('ratio-now', ratioText(hitRatio.now), ratioKind(hitRatio.now, hitRatio.goal))
  show('ratio-hour', `${words.lastHour}: ${ratioText(hitRatio.hour)} · ${words.goal}: ${percent.format(hitRatio.goal)}`)
  show('outbox', outbox.depth === null ? '–' : number.format(outbox.depth), outbox.depth === 0 ? 'good' : 'warn')
  const sum = (field) => nodes.reduce((total, node) => total + node[field], 0)
  const [node] = nodes
  if (node === undefined) {
    for (const id of ['operations', 'memory', 'evictions']) show(id, '–')
    for (const id of ['clients', 'policy', 'keys-total']) show(id, '')
    show('server', mode === 'embedded' ? words.embedded : '')
    return
  }
  show('server', `${words.version} ${node.version} · ${node.role}`)
  show('operations', number.format(sum('opsPerSecond')))
  show('clients', `${number.format(sum('clients'))} ${words.clients}`)
  show('memory', bytes(sum('usedBytes')))
  const max = sum('maxBytes')
  show('policy', `${max === 0 ? words.noLimit : `/ ${bytes(max)}`} · ${words.policy}: ${node.evictionPolicy}`)
  element('memory-part').hidden = max === 0
  element('memory-part').value = max === 0 ? 0 : sum('usedBytes') / max
  show('evictions', `${number.format(sum('evictedKeys'))} / ${number.format(sum('expiredKeys'))}`)
  show('keys-total', `${number.format(sum('keys'))} ${words.keys.toLowerCase()}`)
}

function showTables({ mode, prefixes, hitRatio, keysCountedAt, processes, nodes, slowLog }) {
  table(
    'prefixes',
    [
      words.prefix,
      `#${words.hits}`,
      `#${words.misses}`,
      `#${words.stale}`,
      `#${words.bypassed}`,
      `#${words.ratio}`,
      `#${words.keys}`
    ],
    prefixes.map(({ prefix, hits, misses, stale, bypassed, hitRatio: ratio, keys }) => [
      prefix,
      number.format(hits),
      number.format(misses),
      number.format(stale),
      number.format(bypassed),
      { text: ratioText(ratio), kind: ratioKind(ratio, hitRatio.goal) },
      keys === null ? '–' : number.format(keys)
    ])
  )
  show('counted-at', keysCountedAt === null ? '' : `${words.countedAt} ${time.format(new Date(keysCountedAt))}`)
  table(
    'processes',
    [
      words.process,
      words.role,
      words.since,
      `#${words.memoryOf}`,
      `#${words.l1}`,
      words.breaker,
      words.sweeper,
      `#${words.answers}`
    ],
    processes.map(({ host, pid, role, startedAt, rssBytes, l1, trusted, sweeper, store }) => [
      `${host} ${pid}`,
      role,
      moment.format(new Date(startedAt)),
      bytes(rssBytes),
      `${bytes(l1.bytes)} (${number.format(l1.count)})`,
      mode === 'embedded' ? '–' : { text: trusted ? words.trusted : words.notTrusted, kind: trusted ? 'good' : 'bad' },
      {
        text: sweeper.failing ? words.sweeperFailing : words.swept(number.format(sweeper.swept)),
        kind: sweeper.failing ? 'bad' : ''
      },
      `${number.format(store.answers)}, ⌀ ${fraction.format(store.meanMs)} ${words.ms}`
    ])
  )
  table(
    'servers',
    [words.server, words.role, `#${words.memory}`, `#${words.keys}`, `#${words.operations}`, `#${words.evictions}`],
    nodes.map(({ address, role, usedBytes, maxBytes, keys, opsPerSecond, evictedKeys, expiredKeys }) => [
      address,
      role,
      maxBytes === 0 ? bytes(usedBytes) : `${bytes(usedBytes)} / ${bytes(maxBytes)}`,
      number.format(keys),
      number.format(opsPerSecond),
      `${number.format(evictedKeys)} / ${number.format(expiredKeys)}`
    ])
  )
  table(
    'slow-log',
    [words.time, `#${words.ms}`, words.command],
    slowLog.length === 0
      ? [[words.nothing, '', '']]
      : slowLog.map(({ at, ms, command }) => [moment.format(new Date(at)), fraction.format(ms), command])
  )
}

let last = 0

/** The browser connects again by itself after an interruption, not after an answer that is an error. */
function connect() {
  const stream = new EventSource('/api/v1/admin/cache/events')
  stream.addEventListener('report', ({ data }) => {
    const report = JSON.parse(data)
    last = Date.now()
    const redisDown = report.mode === 'redis' && report.nodes.length === 0
    if (redisDown) show('state', words.redisDown, 'bad')
    else show('state', `${words.live} · ${time.format(new Date(report.at))}`, 'good')
    showTiles(report)
    showTables(report)
    charts.update(report)
  })
  return stream
}

let stream = connect()
setInterval(async () => {
  if (Date.now() - last < 8000) return
  const answer = await fetch('/api/v1/auth/session').catch(() => null)
  // Signed out, or no admin any more: the page says what to do.
  if (answer?.status === 401 || (answer?.ok && (await answer.json()).user.role !== 'admin')) return location.reload()
  show('state', answer?.status === 503 ? words.redisDown : words.offline, 'bad')
  if (answer?.ok && stream.readyState === EventSource.CLOSED) stream = connect()
}, 2000)
