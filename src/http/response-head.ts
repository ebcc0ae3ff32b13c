export const JSON_TYPE = 'application/json; charset=utf-8'
/** `Cache-Control` of public data. Clients may keep an answer, but ask before each use: a write is seen at once, and the question costs a 304. */
export const PUBLIC = 'public, no-cache'
