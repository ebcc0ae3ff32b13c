import { ask } from './api.js'
import { confirmed } from './confirm.js'
import { byId, show } from './dom.js'
import { exactly, since, when } from './format.js'
import { onOpen, openView } from './navigation.js'
import { createTable } from './table.js'
import { counted, words } from './words.js'

const SESSIONS = '/api/v1/admin/sessions'
const TYPING_MS = 300

/** Lists active sessions, and ends them. */
export function createSessions() {
  const columns = [
    { title: words.user },
    { title: words.device },
    { title: words.begun },
    { title: words.lastUsed },
    { title: words.action, actions: true }
  ]
  const table = createTable('sessions-table', columns, { empty: words.noSessionsFound })
  const search = byId('sessions-search')
  let page = 1
  let asked = 0
  /** How the page was opened; known from the first report on. */
  let access = null

  async function read() {
    const mine = ++asked
    try {
      const text = search.value.trim()
      const answer = await ask('GET', SESSIONS, { page, ...(text === '' ? {} : { search: text }) })
      if (mine !== asked) return
      table.update(answer.items.map(row))
      show(
        'sessions-result',
        answer.pages > 1 ? words.pageOf(answer.page, answer.pages) : counted(answer.total, 'sessions')
      )
      byId('sessions-before').hidden = answer.pages <= 1
      byId('sessions-after').hidden = answer.pages <= 1
      byId('sessions-before').disabled = page <= 1
      byId('sessions-after').disabled = page >= answer.pages
    } catch (error) {
      if (mine !== asked) return
      table.update([], error.message)
      show('sessions-result', '')
    }
  }

  function row(session) {
    const { id, user, device, network, begunAt, lastUsedAt, current } = session
    return [
      { text: user.name, note: user.email },
      { text: device, note: network },
      { text: when(begunAt), title: exactly(begunAt) },
      { text: `${since(lastUsedAt)} ${words.ago}`, title: exactly(lastUsedAt) },
      current
        ? { text: words.thisOne, kind: 'muted' }
        : { text: words.endSession, button: { id, press: () => end(id, user) } }
    ]
  }

  async function end(id, { name, email }) {
    if (!(await confirmed({ title: words.endTitle, text: `${name}, ${email}`, yes: words.endSession }))) return
    try {
      await ask('DELETE', `${SESSIONS}/${id}`)
      await read()
    } catch (error) {
      show('sessions-result', error.message, 'bad')
    }
  }

  const turn = (by) => () => {
    page += by
    read()
  }
  byId('sessions-before').addEventListener('click', turn(-1))
  byId('sessions-after').addEventListener('click', turn(1))
  byId('sessions-find').addEventListener('submit', (event) => event.preventDefault())
  let typing = null
  search.addEventListener('input', () => {
    clearTimeout(typing)
    typing = setTimeout(() => {
      page = 1
      read()
    }, TYPING_MS)
  })
  onOpen('sessions', () => access === 'session' && read())

  return {
    update(report) {
      const active = report.sessions === null ? '' : `: ${counted(report.sessions.active, 'sessions')}`
      show('sessions-active', `${words.sessionsTitle}${active}`)
      if (report.access === access) return
      access = report.access
      // An admin link shows the cache, but not the users of the service.
      byId('sessions-find').hidden = access === 'link'
      if (access === 'link') table.update([], words.sessionsNeedSession)
      else if (openView() === 'sessions') read()
    }
  }
}
