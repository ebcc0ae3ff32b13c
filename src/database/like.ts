/** Prisma passes the wildcards of LIKE on; after this they mean themselves. */
export function escapeLike(text: string): string {
  return text.replace(/[\\%_]/g, '\\$&')
}
