/**
 * Reduces the target of a request to path and query. A proxy may send a whole URL (RFC 9112, 3.2.2), which libraries
 * that look at the path would not recognize.
 */
export function originForm(target = '/'): string {
  if (target.startsWith('/') || target === '*' || !URL.canParse(target)) return target
  const { pathname, search } = new URL(target)
  return pathname + search
}
