const MAX_LENGTH = 512
/** An access token, which does not belong into a URL, and is put there all the same. */
const TOKEN = /aka_\w+/g

/** What is logged of a URL: its beginning, without access tokens. */
export function loggedUrl(url: string): string {
  const start = url.length > MAX_LENGTH ? url.slice(0, MAX_LENGTH) : url
  return start.includes('aka_') ? start.replace(TOKEN, 'aka_[hidden]') : start
}
