/** A copy of a document in which each local reference (`{ "$ref": "#/..." }`) is replaced by what it refers to, which refers to no parent. */
export function dereference(document: unknown): unknown {
  const visit = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(visit)
    if (typeof value !== 'object' || value === null) return value
    if ('$ref' in value && typeof value.$ref === 'string') return visit(at(document, value.$ref))
    return Object.fromEntries(Object.entries(value).map(([key, child]) => [key, visit(child)]))
  }
  return visit(document)
}

/** What a JSON pointer (RFC 6901) after `#` leads to. */
function at(document: unknown, reference: string): unknown {
  let found = document
  for (const part of reference.split('/').slice(1)) {
    const key = part.replaceAll('~1', '/').replaceAll('~0', '~')
    const next = new Map(Object.entries(Object(found))).get(key)
    if (next === undefined) throw new Error(`${reference} leads nowhere`)
    found = next
  }
  return found
}
