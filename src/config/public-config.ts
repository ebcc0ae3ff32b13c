import type { Config } from './config.ts'

/** Fields whose values nobody may read. */
const HIDDEN = new Set(['apiKey', 'headers', 'metricsToken', 'password', 'secrets'])

/** The configuration as it may be shown, as JSON: without passwords and keys, and with URLs without what may be secret in them. */
export function publicConfig(config: Config): string {
  const shown = (key: string, value: unknown) => {
    if (HIDDEN.has(key) && value !== null) return '(hidden)'
    return typeof value === 'string' ? publicUrl(value) : value
  }
  return JSON.stringify(config, shown, 2)
}

/** A URL without user, password and query; of several hosts, too, which `URL` cannot read. Any other text as it is. */
export function publicUrl(text: string): string {
  return /^[\w+]+:\/\//.test(text) ? text.replace(/\/\/[^/]*@/, '//').replace(/\?.*$/s, '') : text
}
