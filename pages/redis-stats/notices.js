import { byId, el, show } from './dom.js'
import { exactly, since, when } from './format.js'
import { counted, words } from './words.js'

/** What an operator has to know before anything else, above every section. */
export function createNotices() {
  let shownAt = null
  let said = ''

  function say(notices) {
    // A screen reader reads what is new here: not how the seconds go by.
    const text = JSON.stringify(notices)
    if (text === said) return
    said = text
    byId('notices').replaceChildren(
      ...notices.map(({ kind, title, text }) => el('div', { class: `notice ${kind}` }, el('strong', {}, title), text))
    )
  }

  return {
    update({ at, mode, store, nodes, outbox, processes, access }) {
      shownAt = at
      const down = mode === 'redis' && (store.state === 'not-trusted' || nodes.length === 0)
      const notices = []
      if (down) notices.push(redisDown(store, outbox))
      if (outbox.depth === null) notices.push({ kind: 'bad', title: words.databaseDown, text: words.databaseDownText })
      const failing = processes.filter(({ sweeper }) => sweeper.failing)
      if (failing.length > 0 && !down) {
        const names = failing.map(({ host, pid }) => `${host} ${pid}`).join(', ')
        notices.push({ kind: 'warn', title: words.sweeperFails, text: names })
      }
      if (access === 'link') notices.push({ kind: '', title: words.readOnly, text: words.readOnlyText })
      say(notices)
      show('state', down ? words.redisDown : `${words.live} · ${when(at)}`, down ? 'bad' : 'good')
      byId('state').title = `${words.stateSince} ${exactly(store.since)}`
    },
    silent(problem) {
      show('state', words.interrupted, 'bad')
      say([{ kind: 'bad', title: problem, text: shownAt === null ? '' : `${words.figuresOf} ${when(shownAt)}` }])
    }
  }
}

function redisDown(store, outbox) {
  const title = `${words.redisDown} ${store.state === 'not-trusted' ? `${words.from} ${when(store.since)} (${since(store.since)})` : ''}`
  const waiting = outbox.depth === null ? '' : ` ${words.waitingNow}: ${counted(outbox.depth, 'invalidations')}.`
  return {
    kind: 'bad',
    title,
    text: `${store.reason === null ? '' : `${store.reason}. `}${words.redisDownText}${waiting}`
  }
}
