const MAX_LENGTH = 512
/** An access token: it does not belong in a URL, but some clients put it there. */
const TOKEN = /aka_\w+/g
/** The token of an admin link; any letter of the parameter's name may be percent-encoded. */
const LINK_TOKEN = /([?&](?:t|%74)(?:o|%6f)(?:k|%6b)(?:e|%65)(?:n|%6e)=)[^&]*/gi

const ADMIN_PAGE = '/admin/'

/** A URL for the log: truncated and without tokens. */
export function loggedUrl(url: string): string {
  const start = url.length > MAX_LENGTH ? url.slice(0, MAX_LENGTH) : url
  const shown = start.includes('aka_') ? start.replace(TOKEN, 'aka_[hidden]') : start
  return shown.includes(ADMIN_PAGE) ? shown.replace(LINK_TOKEN, '$1[hidden]') : shown
}
