import { bar, breakable, byId, el } from './dom.js'

/**
 * A table in the element `id`. A column is `{ title, number, sort, actions, full }`; a cell is a text, or `{ text,
 * kind, title, bar, code, note, button, href, value }`, where `value` is the sort key. `update` takes the rows, and a
 * text to show if there are none. Only changed cells are redrawn, so that focus and selection stay. On narrow screens,
 * each row is a block of cells with their titles (tables.css); the roles keep it a table for screen readers.
 */
export function createTable(id, columns, { empty, sortBy = null }) {
  const root = byId(id)
  const body = el('tbody', { role: 'rowgroup' })
  const nothing = el('p', { class: 'empty', hidden: true }, empty)
  let order = sortBy
  let last = []
  const heads = columns.map(({ title, number, sort, actions }, column) => {
    const click = () => {
      order = { column, down: order?.column === column ? !order.down : true }
      update(last)
    }
    return el(
      'th',
      { role: 'columnheader', scope: 'col', class: number && 'number' },
      sort ? el('button', { type: 'button', class: 'sort', onclick: click }, title) : '',
      sort ? '' : actions ? el('span', { class: 'unseen' }, title) : title
    )
  })
  const head = el('thead', { role: 'rowgroup' }, el('tr', { role: 'row' }, ...heads))
  const element = el(
    'table',
    { role: 'table', 'aria-label': root.closest('section')?.querySelector('h2')?.textContent },
    head,
    body
  )
  root.replaceChildren(element, nothing)

  function sorted(rows) {
    if (order === null) return rows
    const value = (row) => row[order.column]?.value ?? -1
    return rows.toSorted((a, b) => (value(a) < value(b) ? -1 : value(a) > value(b) ? 1 : 0) * (order.down ? -1 : 1))
  }

  function update(rows, said = empty) {
    last = rows
    nothing.textContent = said
    element.hidden = rows.length === 0
    nothing.hidden = rows.length > 0
    for (const [column, th] of heads.entries()) {
      if (order?.column === column) th.setAttribute('aria-sort', order.down ? 'descending' : 'ascending')
      else th.removeAttribute('aria-sort')
    }
    while (body.rows.length > rows.length) body.lastChild.remove()
    for (const [index, cells] of sorted(rows).entries()) {
      const row = body.rows[index] ?? body.appendChild(newRow(columns))
      for (const [column, cell] of cells.entries()) fill(row.cells[column], cell)
    }
  }
  return { update, body }
}

function newRow(columns) {
  const cells = columns.map(({ title, number, actions, full }) =>
    el('td', {
      role: 'cell',
      class: number ? 'number' : actions ? 'actions' : full ? 'full' : null,
      'data-title': actions ? '' : title
    })
  )
  return el('tr', { role: 'row' }, ...cells)
}

function fill(td, cell) {
  const { text, kind, title, bar: part, code, note, button, href } = typeof cell === 'object' ? cell : { text: cell }
  const signature = JSON.stringify([text, kind, title, part, note, href, button?.id])
  if (td.dataset.is === signature) return
  td.dataset.is = signature
  const content = href
    ? el('a', { href }, text)
    : button
      ? el('button', { type: 'button', class: button.look ?? 'quiet small', onclick: button.press }, text)
      : code
        ? el('code', {}, ...breakable(text))
        : text
  const value = el('span', { class: 'value', kind, title }, content)
  td.replaceChildren(
    value,
    ...(note ? [el('span', { class: 'note' }, ...breakable(note))] : []),
    ...(part >= 0 ? [bar(part)] : [])
  )
}
