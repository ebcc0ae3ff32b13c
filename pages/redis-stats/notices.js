import { byId, el, show } from './dom.js'
import { exactly, since, when } from './format.js'
import { counted, words } from './words.js'

/** Notices above every section that operators must see first. */
export function createNotices() {
  let last = null
  let said = ''

  function say(notices) {
    // Screen readers announce changes here, so do not redraw identical notices.
    const text = JSON.stringify(notices)
    if (text === said) return
    said = text
    byId('notices').replaceChildren(
      ...notices.map(({ kind, title, text }) => el('div', { class: `notice ${kind}` }, el('strong', {}, title), text))
    )
  }

  function ofReport({ mode, scope, store, nodes, outbox, processes, access }) {
    const down = mode === 'redis' && (store.state === 'not-trusted' || nodes.length === 0)
    const notices = down ? [redisDown(store, outbox)] : []
    if (scope === 'process') notices.push({ kind: 'plain', title: words.ownFigures, text: words.ownFiguresText })
    if (outbox.depth === null) notices.push({ kind: 'bad', title: words.databaseDown, text: words.databaseDownText })
    const failing = processes.filter(({ sweeper }) => sweeper.failing)
    if (failing.length > 0 && !down) {
      const names = failing.map(({ host, pid }) => `${host} ${pid}`).join(', ')
      notices.push({ kind: 'warn', title: words.sweeperFails, text: names })
    }
    if (access === 'link') notices.push({ kind: 'plain', title: words.readOnly, text: words.readOnlyText })
    return { down, notices }
  }

  return {
    update(report) {
      last = report
      const { down, notices } = ofReport(report)
      say(notices)
      show('state', down ? words.redisDown : `${words.live} · ${when(report.at)}`, down ? 'bad' : 'good')
      byId('state').title = `${words.from} ${exactly(report.store.since)}`
    },
    /** No more reports arrive: keep the notices of the last one. */
    silent(problem) {
      show('state', words.interrupted, 'bad')
      const text = last === null ? '' : `${words.figuresOf} ${when(last.at)}.`
      say([{ kind: 'bad', title: problem, text }, ...(last === null ? [] : ofReport(last).notices)])
    }
  }
}

function redisDown(store, outbox) {
  const title = `${words.redisDown} ${store.state === 'not-trusted' ? `${words.from} ${when(store.since)} (${since(store.since)})` : ''}`
  const waiting = outbox.depth === null ? '' : ` ${words.waitingNow}: ${counted(outbox.depth, 'invalidations')}.`
  return {
    kind: 'bad',
    title,
    text: `${words.redisDownText}${waiting}${store.reason === null ? '' : ` ${words.reason}: ${store.reason}.`}`
  }
}
