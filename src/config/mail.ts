import { ConfigError, type Environment, matching, text, url, urlWithCredentials } from './environment.ts'

const SENDER =
  /^(?:[^\p{Cc}<>"@,;]{1,100} <[^\s\p{Cc}<>"@,;]+@[^\s\p{Cc}<>"@,;]+>|[^\s\p{Cc}<>"@,;]+@[^\s\p{Cc}<>"@,;]+)$/u
const NEEDS = ['generate', 'publish'] as const

/** How mail to accounts is sent. */
export function readMail(env: Environment, production: boolean, port: number) {
  const mailUrl = readMailUrl(env)
  const from = matching(
    env,
    'MAIL_FROM',
    SENDER,
    'must be an address, "no-reply@a.example" or "Name <no-reply@a.example>"'
  )
  const publicUrl = readPublicUrl(env)
  const missing = from === null ? 'MAIL_FROM' : publicUrl === null ? 'PUBLIC_URL' : null
  if (mailUrl !== null && missing !== null) throw new ConfigError(missing, '', 'MAIL_URL requires it')
  const verified = readVerified(env)
  if (verified.length > 0 && production && mailUrl === null) {
    throw new ConfigError('REQUIRE_VERIFIED_EMAIL', verified.join(','), 'nobody can verify an address without MAIL_URL')
  }
  return {
    mail: {
      /** Null: mail is logged instead of sent; in production there is none. */
      url: mailUrl,
      from: from ?? '',
      /** The URL of the front end, without a trailing slash, for links in mails. */
      publicUrl: publicUrl ?? `http://localhost:${port}`
    },
    /** What requires an account with a verified e-mail address. */
    requireVerifiedEmail: verified
  }
}

function readMailUrl(env: Environment): string | null {
  const value = urlWithCredentials(env, 'MAIL_URL', ['smtp:', 'smtps:'])
  if (value === null) return null
  const { pathname, hash, username, password, searchParams } = new URL(value)
  const known = [...searchParams.keys()].every((name) => name === 'ca')
  if (/^\/?$/.test(pathname) && hash === '' && known && (username === '') === (password === '')) return value
  throw new ConfigError(
    'MAIL_URL',
    value,
    'must be smtp://user:password@host:587 or smtps://..., optionally with ?ca=file',
    true
  )
}

function readPublicUrl(env: Environment): string | null {
  const value = url(env, 'PUBLIC_URL', ['http:', 'https:'])
  if (value === null) return null
  const { username, search, hash, href } = new URL(value)
  if (username === '' && search === '' && hash === '') return href.replace(/\/+$/, '')
  throw new ConfigError('PUBLIC_URL', value, 'must be the URL of the front end, without user, query or hash', true)
}

function readVerified(env: Environment): readonly (typeof NEEDS)[number][] {
  const value = text(env, 'REQUIRE_VERIFIED_EMAIL') ?? 'none'
  if (value === 'none') return []
  const words = value.split(',')
  const found = NEEDS.filter((need) => words.includes(need))
  if (found.length === words.length) return found
  throw new ConfigError('REQUIRE_VERIFIED_EMAIL', value, 'must be none, generate, publish, or generate,publish')
}
