import { byId, show } from './dom.js'
import { bytes, duration, exactly, number, percent, rate, short, UNKNOWN, when } from './format.js'
import { createHistory, isKnown } from './history.js'
import { createTable } from './table.js'
import { counted, words } from './words.js'

const ratioKind = (ratio, goal) => (ratio === null ? null : ratio >= goal ? 'good' : 'warn')
const who = (by) => {
  if (by === null) return UNKNOWN
  if (by === 'outside') return words.outside
  return by.startsWith('user:') ? `${words.user} ${by.slice(5)}` : by
}

/** The overview: current values, charts, prefixes and recent invalidations. */
export function createOverview() {
  const history = createHistory()
  const numeric = (title) => ({ title, number: true })
  const prefixes = createTable(
    'prefixes',
    [
      { title: words.prefix },
      ...[words.ratio, words.hits, words.misses, words.stale, words.bypassed, words.keys].map(numeric)
    ],
    { empty: words.noData }
  )
  const invalidations = createTable(
    'invalidations',
    [{ title: words.time }, { title: words.tags, full: true }, { title: words.by }, { title: words.process }],
    { empty: words.noInvalidations }
  )

  // Focusable, so that it can be scrolled by keyboard.
  byId('invalidations').tabIndex = 0

  return {
    update(report) {
      showTiles(report)
      history.update(report)
      prefixes.update(
        report.prefixes.map(({ prefix, hits, misses, stale, bypassed, hitRatio, keys }) => [
          { text: prefix, href: `#keys?pattern=${prefix}:*` },
          { text: percent(hitRatio), kind: ratioKind(hitRatio, report.hitRatio.goal) },
          ...[hits, misses, stale, bypassed].map((count) => (report.history.length === 0 ? UNKNOWN : number(count))),
          number(keys)
        ])
      )
      show('counted-at', report.keysCountedAt === null ? '' : `${words.countedAt} ${when(report.keysCountedAt)}`)
      invalidations.update(
        report.invalidations.map(({ at, tags, tagCount, by, process }) => [
          { text: when(at), title: exactly(at) },
          {
            text: tags.join(', '),
            code: true,
            note: tagCount > tags.length ? words.andOthers(number(tagCount - tags.length)) : null
          },
          who(by),
          process
        ])
      )
      for (const element of document.querySelectorAll('.last-clearing')) show(element, lastClearing(report))
    }
  }
}

function lastClearing({ lastClearing: last, mode, nodes }) {
  // Unknown without Redis.
  if (last === null) return mode === 'redis' && nodes.length === 0 ? '' : words.neverCleared
  const what = last.pattern === 'all' ? words.everything : last.pattern
  return `${words.clearedLast}: ${what}, ${counted(last.deleted, 'keys')}, ${who(last.by)}, ${when(last.at)}`
}

function showTiles({ hitRatio, nodes, outbox, history }) {
  show('ratio-now', percent(hitRatio.now), ratioKind(hitRatio.now, hitRatio.goal))
  show('ratio-hour', `${words.hour} ${percent(hitRatio.hour)} · ${words.goal.toLowerCase()} ${percent(hitRatio.goal)}`)
  // Without the current minute, which is incomplete.
  const known = history.slice(0, -1).filter(isKnown)
  show('requests', known.length === 0 ? UNKNOWN : rate((known.at(-1).requests ?? 0) / 60))
  const total = history.reduce((sum, { requests }) => sum + (requests ?? 0), 0)
  show('requests-hour', `${words.hour} ${history.length === 0 ? UNKNOWN : short(total)}`)
  show('outbox', number(outbox.depth), outbox.depth === null ? null : outbox.depth === 0 ? 'good' : 'warn')

  // If no server answers, the sums are unknown, not zero.
  const sum = (field) => (nodes.length === 0 ? null : nodes.reduce((total, node) => total + node[field], 0))
  const [node] = nodes
  show(
    'server',
    node === undefined ? '' : `Redis ${node.version} · ${node.role} · ${words.runs} ${duration(node.uptimeS)}`
  )
  show('operations', number(sum('opsPerSecond')))
  show('clients', node === undefined ? '' : counted(sum('clients'), 'clients'))
  show(
    'memory',
    bytes(sum('usedBytes')),
    sum('maxBytes') > 0 && sum('usedBytes') > 0.9 * sum('maxBytes') ? 'warn' : null
  )
  const limit = sum('maxBytes') === 0 ? words.noLimit : `${words.of} ${bytes(sum('maxBytes'))}`
  show('memory-max', node === undefined ? '' : limit)
  show('evicted', number(sum('evictedKeys')), sum('evictedKeys') > 0 ? 'warn' : null)
  show('expired', node === undefined ? '' : `${words.expired} ${short(sum('expiredKeys'))}`)
}
