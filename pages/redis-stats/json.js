import { el } from './dom.js'

const TOKENS = /("(?:\\.|[^"\\])*")(\s*:)?|\b(true|false|null)\b|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g

/** Formats JSON with syntax colours; other or truncated text is shown as it is. */
export function highlighted(text, truncated) {
  let pretty = text
  try {
    if (!truncated) pretty = JSON.stringify(JSON.parse(text), null, 2)
  } catch {
    return [text]
  }
  const parts = []
  let end = 0
  for (const match of pretty.matchAll(TOKENS)) {
    const [token, string, colon] = match
    parts.push(pretty.slice(end, match.index))
    if (colon) parts.push(el('span', { class: 'json-name' }, string), colon)
    else parts.push(el('span', { class: string ? 'json-text' : 'json-other' }, token))
    end = match.index + token.length
  }
  return [...parts, pretty.slice(end)]
}
