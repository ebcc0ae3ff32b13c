/** Reads single environment variables. Each reader returns the parsed value, the fallback when the variable is unset or empty, or throws `ConfigError`. */

export type Environment = Readonly<Record<string, string | undefined>>

/** An environment variable that cannot be used. The message is one line: name, value, what is allowed. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'

  constructor(variable: string, value: string, allowed: string, secret = false) {
    super(`${variable}=${secret ? '(hidden)' : JSON.stringify(value)} is not valid: ${allowed}`)
  }
}

/** The value, or null when it is unset or empty. */
export function text(env: Environment, name: string): string | null {
  return env[name] || null
}

/** A whole number of at least `min` and at most `max`. */
export function integer(env: Environment, name: string, fallback: number, min: number, max: number): number {
  const value = env[name]
  if (!value) return fallback
  const number = /^\d+$/.test(value) ? Number(value) : Number.NaN
  if (number >= min && number <= max) return number
  throw new ConfigError(name, value, `allowed is a whole number from ${min} to ${max}`)
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
  throw new ConfigError(name, value, `allowed is one of ${allowed.join(', ')}`)
}

/** A URL with one of the given protocols, as text. Its value is never printed: it may hold a password. */
export function url(env: Environment, name: string, protocols: readonly string[]): string | null {
  const value = env[name]
  if (!value) return null
  const allowed = `allowed is a URL that begins with ${protocols.map((protocol) => `${protocol}//`).join(' or ')}`
  if (!URL.canParse(value)) throw new ConfigError(name, value, allowed, true)
  const parsed = new URL(value)
  if (!protocols.includes(parsed.protocol) || !parsed.hostname) throw new ConfigError(name, value, allowed, true)
  return value
}

/** A value that must match `pattern`; `allowed` says it in words. */
export function matching(env: Environment, name: string, pattern: RegExp, allowed: string): string | null {
  const value = env[name]
  if (!value) return null
  if (pattern.test(value)) return value
  throw new ConfigError(name, value, allowed)
}

/** A value of at least `min` characters that is never printed. */
export function secret(env: Environment, name: string, min: number): string | null {
  const value = env[name]
  if (!value) return null
  if (value.length >= min) return value
  throw new ConfigError(name, value, `allowed is a text of at least ${min} characters`, true)
}
