/**
 * Readers of single environment variables. They return the parsed value, or the fallback if it is unset or empty, or
 * throw `ConfigError`.
 */

export type Environment = Readonly<Record<string, string | undefined>>

/** An invalid environment variable. The message is one line: its name, its value, and what it must be. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'

  constructor(variable: string, value: string, problem: string, secret = false) {
    super(`${variable}=${secret ? '(hidden)' : JSON.stringify(value)} is not valid: ${problem}`)
  }
}

/** The value, or null if it is unset or empty. */
export function text(env: Environment, name: string): string | null {
  return env[name] || null
}

/** An integer between `min` and `max`. */
export function integer(env: Environment, name: string, fallback: number, min: number, max: number): number {
  const value = env[name]
  if (!value) return fallback
  const number = /^\d+$/.test(value) ? Number(value) : Number.NaN
  if (number >= min && number <= max) return number
  throw new ConfigError(name, value, `must be an integer between ${min} and ${max}`)
}

/** One of the listed words. */
export function choice<const T extends string>(
  env: Environment,
  name: string,
  fallback: NoInfer<T>,
  allowed: readonly T[]
): T {
  const value = env[name]
  if (!value) return fallback
  const found = allowed.find((word) => word === value)
  if (found !== undefined) return found
  throw new ConfigError(name, value, `must be one of ${allowed.join(', ')}`)
}

/** A URL with one of the given protocols, as text. It is never printed, because it may contain a password. */
export function url(env: Environment, name: string, protocols: readonly string[]): string | null {
  const value = env[name]
  if (!value) return null
  const problem = `must be a URL that begins with ${protocols.map((protocol) => `${protocol}//`).join(' or ')}`
  if (!URL.canParse(value)) throw new ConfigError(name, value, problem, true)
  const parsed = new URL(value)
  if (!protocols.includes(parsed.protocol) || !parsed.hostname) throw new ConfigError(name, value, problem, true)
  return value
}

/** The same, of a server that gets its user and password decoded: they must be percent-encoded. */
export function urlWithCredentials(env: Environment, name: string, protocols: readonly string[]): string | null {
  const value = url(env, name, protocols)
  if (value === null) return null
  const { username, password } = new URL(value)
  try {
    decodeURIComponent(username)
    decodeURIComponent(password)
    return value
  } catch {
    const form = protocols.map((protocol) => `${protocol}//`).join(' or ')
    throw new ConfigError(
      name,
      value,
      `must begin with ${form}, and its user and password must be percent-encoded`,
      true
    )
  }
}

/** A value that must match `pattern`; `problem` says so in words. */
export function matching(env: Environment, name: string, pattern: RegExp, problem: string): string | null {
  const value = env[name]
  if (!value) return null
  if (pattern.test(value)) return value
  throw new ConfigError(name, value, problem)
}

/** A secret of at least `min` characters. It is never printed. */
export function secret(env: Environment, name: string, min: number): string | null {
  const value = env[name]
  if (!value) return null
  if (value.length >= min) return value
  throw new ConfigError(name, value, `must have at least ${min} characters`, true)
}
