import type { Config } from './config.ts'

/** Fields whose values are never shown. */
const HIDDEN = new Set(['apiKey', 'headers', 'metricsToken', 'password', 'secrets'])

/** The configuration as JSON, without passwords and keys, and without the parts of URLs that may be secret. */
export function publicConfig(config: Config): string {
  const shown = (key: string, value: unknown) => {
    if (HIDDEN.has(key) && value !== null) return '(hidden)'
    return typeof value === 'string' ? publicUrl(value) : value
  }
  return JSON.stringify(config, shown, 2)
}

/**
 * A URL without user, password and query, even if it has several hosts, which `URL` cannot parse. Other texts are
 * unchanged.
 */
export function publicUrl(text: string): string {
  return /^[\w+]+:\/\//.test(text) ? text.replace(/\/\/[^/]*@/, '//').replace(/\?.*$/s, '') : text
}
