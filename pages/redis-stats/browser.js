import { ask, CACHE } from './api.js'
import { byId, el, show } from './dom.js'
import { createEntry } from './entry.js'
import { bytes, duration, short } from './format.js'
import { onOpen, replaceAddress } from './navigation.js'
import { createTable } from './table.js'
import { counted, words } from './words.js'

/** A page of rare keys takes several steps of the scan; up to this many are taken automatically. */
const STEPS = 20
const ENOUGH = 50
/** Sorts `course:9` before `course:10`. */
const byName = new Intl.Collator('en', { numeric: true })

/** The browser of cached data: a list of matching keys, and the entry of one of them. */
export function createKeys() {
  const pattern = byId('pattern')
  const more = byId('keys-more')
  const prefixes = byId('prefix-choice')
  const columns = [{ title: words.key }, { title: words.size, number: true }, { title: words.ttl, number: true }]
  const table = createTable('keys-list', columns, { empty: words.noKeys })
  let items = []
  let cursor = null
  let search = 0
  const entry = createEntry({
    onClose() {
      const pressed = table.body.querySelector('[aria-current=true]')
      open(null)
      pressed?.focus()
    },
    onDeleted(key) {
      items = items.filter((item) => item.key !== key)
      list()
      open(null)
    }
  })

  function open(key) {
    byId('browser').classList.toggle('with-entry', key !== null)
    replaceAddress('keys', {
      ...(pattern.value === '' ? {} : { pattern: pattern.value }),
      ...(key === null ? {} : { key })
    })
    entry.open(key)
    list()
  }

  function list() {
    table.update(
      items.map(({ key, bytes: size, ttlS }) => [
        { text: key, button: { id: key, look: 'link', press: () => open(key) } },
        bytes(size),
        ttlS === null ? words.noTtl : duration(ttlS)
      ])
    )
    for (const button of table.body.querySelectorAll('button')) {
      button.setAttribute('aria-current', String(button.textContent === entry.key()))
    }
  }

  /** Continues the scan until there is something to show, or a later search supersedes it. */
  async function scan() {
    const mine = search
    show('keys-found', words.searching)
    try {
      for (let step = 0, found = 0; step < STEPS && found < ENOUGH; step++) {
        const query = { pattern: pattern.value.trim() || '*', ...(cursor === null ? {} : { cursor }) }
        const page = await ask('GET', `${CACHE}/keys`, query)
        if (mine !== search) return
        found += page.items.length
        items = [...items, ...page.items].toSorted((a, b) => byName.compare(a.key, b.key))
        cursor = page.nextCursor
        if (cursor === null) break
      }
      show('keys-found', `${counted(items.length, 'keys')}${cursor === null ? '' : words.andMore}`)
    } catch (error) {
      if (mine !== search) return
      show('keys-found', items.length === 0 ? '' : error.message, 'bad')
      if (items.length === 0) table.update([], error.message)
      return
    }
    more.hidden = cursor === null
    list()
  }

  function find() {
    search++
    items = []
    cursor = null
    choosePrefix()
    return scan()
  }

  function choosePrefix() {
    for (const chip of prefixes.children) chip.setAttribute('aria-pressed', String(chip.value === pattern.value))
  }

  byId('find').addEventListener('submit', (event) => {
    event.preventDefault()
    open(null)
    find()
  })
  more.addEventListener('click', scan)
  table.body.addEventListener('keydown', (event) => {
    const row = event.target.closest('tr')
    const next = { ArrowDown: row.nextSibling, ArrowUp: row.previousSibling }[event.key]
    if (!next) return
    event.preventDefault()
    next.querySelector('button').focus()
  })
  onOpen('keys', ({ pattern: asked, key = null }) => {
    if (asked !== undefined) pattern.value = asked
    find()
    open(key)
  })

  return {
    update(report) {
      if (prefixes.children.length === 0) {
        for (const [value, name] of [
          ['', words.all],
          ...report.prefixes.map(({ prefix }) => [`${prefix}:*`, prefix])
        ]) {
          const choose = () => {
            pattern.value = value
            open(null)
            find()
          }
          prefixes.append(el('button', { type: 'button', value, onclick: choose }, `${name} `, el('span')))
        }
        choosePrefix()
      }
      const counts = report.prefixes.map(({ keys }) => keys)
      const all = counts.includes(null) ? null : counts.reduce((sum, count) => sum + count, 0)
      for (const [index, count] of [all, ...counts].entries()) {
        show(prefixes.children[index].lastChild, count === null ? '' : short(count))
      }
    }
  }
}
