import { readFileSync } from 'node:fs'
import { ConfigError, type Environment } from './environment.ts'

/** The variables that hold passwords, keys, or URLs with passwords. */
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
 * The environment with the contents of the files that `NAME_FILE` names, for each secret `NAME`: what Docker, Kubernetes and systemd hand
 * over as files is in no environment, which other processes may read. A newline at the end does not count. Throws `ConfigError` for a file
 * that cannot be read or is empty, and where both are set.
 */
export function withSecretFiles(env: Environment): Environment {
  const read: Record<string, string> = {}
  for (const name of SECRETS) {
    const path = env[`${name}_FILE`]
    if (!path) continue
    if (env[name]) throw new ConfigError(`${name}_FILE`, path, `${name} is set, too`)
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
