/** Escapes the wildcards of LIKE, which Prisma passes through unchanged. */
export function escapeLike(text: string): string {
  return text.replace(/[\\%_]/g, '\\$&')
}
