import { readFileSync } from 'node:fs'
import { ConfigError, type Environment } from './environment.ts'

/** The variables that contain passwords, keys, or URLs with passwords. */
export const SECRETS: readonly string[] = [
  'ADMIN_PASSWORD',
  'BACKUP_REDIS_URL',
  'DATABASE_DIRECT_URL',
  'DATABASE_URL',
  'LLM_API_KEY',
  'MAIL_URL',
  'METRICS_TOKEN',
  'OTEL_EXPORTER_OTLP_HEADERS',
  'REDIS_LIMIT_URL',
  'REDIS_PASSWORD',
  'REDIS_SESSION_URL',
  'REDIS_URL',
  'SESSION_SECRET'
]

/**
 * Adds each secret `NAME` that is in a file named by `NAME_FILE`, as Docker, Kubernetes and systemd pass secrets:
 * unlike a file, an environment may be readable by other processes. A trailing newline is removed. Throws `ConfigError`
 * if the file cannot be read or is empty, or if both variables are set.
 */
export function withSecretFiles(env: Environment): Environment {
  const read: Record<string, string> = {}
  for (const name of SECRETS) {
    const path = env[`${name}_FILE`]
    if (!path) continue
    if (env[name]) throw new ConfigError(`${name}_FILE`, path, `${name} is also set`)
    read[name] = contents(`${name}_FILE`, path)
  }
  return { ...env, ...read }
}

function contents(variable: string, path: string): string {
  try {
    const text = readFileSync(path, 'utf8').replace(/\r?\n$/, '')
    if (text !== '') return text
  } catch (error) {
    throw new ConfigError(variable, path, `the file cannot be read (${error instanceof Error ? error.message : error})`)
  }
  throw new ConfigError(variable, path, 'the file is empty')
}
