/**
 * A copy of a document in which each local reference (`{ "$ref": "#/..." }`) is replaced by its target. No target may
 * refer to a parent.
 */
export function dereference(document: unknown): unknown {
  const visit = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(visit)
    if (typeof value !== 'object' || value === null) return value
    if ('$ref' in value && typeof value.$ref === 'string') return visit(at(document, value.$ref))
    return Object.fromEntries(Object.entries(value).map(([key, child]) => [key, visit(child)]))
  }
  return visit(document)
}

/** The target of a JSON pointer (RFC 6901) after `#`. */
function at(document: unknown, reference: string): unknown {
  let found = document
  for (const part of reference.split('/').slice(1)) {
    const key = part.replaceAll('~1', '/').replaceAll('~0', '~')
    const next = new Map(Object.entries(Object(found))).get(key)
    if (next === undefined) throw new Error(`${reference} has no target`)
    found = next
  }
  return found
}
