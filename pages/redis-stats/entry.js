import { ask, CACHE } from './api.js'
import { confirmed } from './confirm.js'
import { byId, el } from './dom.js'
import { bytes, duration, since } from './format.js'
import { highlighted } from './json.js'
import { words } from './words.js'

/** Shows the entry of a key: its size, TTL, tags and value. */
export function createEntry({ onClose, onDeleted }) {
  const root = byId('entry')
  let shown = null

  async function read() {
    const key = shown
    try {
      const entry = await ask('GET', `${CACHE}/entry`, { key })
      if (key === shown) draw(entry)
      // On a phone, the entry replaces the list, so move the focus to it.
      if (root.querySelector('.back').offsetParent !== null) root.querySelector('h2').focus()
    } catch (error) {
      if (key === shown)
        root.replaceChildren(
          head(key),
          el('p', { class: 'empty' }, error.status === 404 ? words.keyGone : error.message)
        )
    }
  }

  async function remove(key) {
    if (!(await confirmed({ title: words.deleteTitle, text: key, yes: words.delete }))) return
    try {
      await ask('DELETE', `${CACHE}/entry`, { key })
      onDeleted(key)
    } catch (error) {
      root.append(el('p', { class: 'problem', role: 'alert' }, error.message))
    }
  }

  const button = (look, word, onclick, id = null) =>
    el('button', { type: 'button', class: `${look} small`, id, onclick }, word)

  function head(key) {
    const title = el('h2', { tabindex: '-1' }, el('code', {}, key))
    return el('div', { class: 'entry-head' }, button('quiet back', `← ${words.back}`, onClose), title)
  }

  function draw({ key, value, truncated, bytes: size, ttlS, storedAt, tags, valid, missing }) {
    const fact = (name, text, attributes = {}) => el('div', {}, el('dt', {}, name), el('dd', attributes, text))
    const pills = tags.map(({ tag, current }) =>
      el(
        'li',
        { class: current ? 'tag good' : 'tag warn', title: current ? words.tagCurrent : words.tagOld },
        `${current ? '✓' : '✗'} ${tag}`
      )
    )
    root.replaceChildren(
      head(key),
      el(
        'dl',
        { class: 'facts' },
        fact(words.size, bytes(size)),
        fact(words.age, since(storedAt)),
        fact(words.ttl, ttlS === null ? words.noTtl : duration(ttlS)),
        fact(words.state, valid ? words.valid : words.invalid, { kind: valid ? 'good' : 'warn' })
      ),
      missing ? el('p', { class: 'hint' }, words.negative) : '',
      el('h3', {}, words.tags),
      pills.length === 0 ? el('p', { class: 'hint' }, words.noTags) : el('ul', { class: 'tags' }, ...pills),
      el('h3', {}, words.value),
      el('pre', { class: 'value-text', tabindex: '0', 'aria-label': words.value }, ...highlighted(value, truncated)),
      truncated ? el('p', { class: 'hint' }, words.truncated) : '',
      el(
        'div',
        { class: 'row' },
        button('quiet', words.refresh, read),
        el(
          'button',
          {
            type: 'button',
            id: 'entry-delete',
            class: 'danger small writes',
            // Hidden like the clearing form: an admin link only allows reading.
            hidden: document.querySelector('section.writes').hidden,
            onclick: () => remove(key)
          },
          words.deleteKey
        )
      )
    )
  }

  return {
    key: () => shown,
    open(key) {
      shown = key
      if (key === null) root.replaceChildren(el('p', { class: 'empty' }, words.chooseKey))
      else read()
    }
  }
}
