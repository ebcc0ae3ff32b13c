import type { AddressInfo } from 'node:net'
import type { Config } from '#config/config.ts'
import { publicUrl } from '#config/public-config.ts'
import { version } from '#config/version.ts'

/** The message for somebody who starts the service in a terminal. It contains no password. */
export function startMessage(config: Config, { address, port, family }: AddressInfo): string {
  const host = address === '::' || address === '0.0.0.0' ? 'localhost' : family === 'IPv6' ? `[${address}]` : address
  const url = `http://${host}:${port}`
  const { databaseUrl, dataDir, redis, llm, generation } = config
  const lines = [
    ['Courses', `${url}/api/v1/courses`],
    ['Documentation', `${url}/docs`],
    ['Admin page', `${url}/admin/redis-stats/`],
    ['Database', databaseUrl === null ? `embedded, in ${dataDir}` : publicUrl(databaseUrl)],
    ['Redis', redis.url === null ? 'none: cache, sessions and limits live in this process' : publicUrl(redis.url)],
    ['Generation', `${llm.provider}, ${generation.worker === 'inline' ? 'in this process' : 'by workers'}`]
  ]
  const width = Math.max(...lines.map(([name = '']) => name.length))
  return [
    `\nAI Akademiya API ${version} is ready. Press Ctrl-C to stop it.`,
    ...lines.map(([name = '', value]) => `  ${name.padEnd(width)}  ${value}`),
    ''
  ].join('\n')
}
