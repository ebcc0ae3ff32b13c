/** `npm run restore -- FOLDER [--force]`: restores a backup, replacing all data. */
import { parseArgs } from 'node:util'
import { BackupError, messageOf } from '#backup/backup-error.ts'
import { restoreBackup } from '#backup/restore-backup.ts'
import { RedisStore } from '#cache'
import { type Config, readConfig } from '#config/config.ts'
import { openCache } from './open-cache.ts'
import { endWithUsage } from './usage.ts'

const USAGE = `usage: npm run restore -- FOLDER [--force]
Restores a backup of \`npm run backup\` to DATABASE_URL and the Redis of the service, replacing all data. Stop the API and the workers first.
--force continues although they are running, or the disk seems too full. Exit code: 0 on success, 1 on failure, 2 for wrong usage.`

const WAIT_MS = 5000

const { folder, force } = readArguments()
try {
  const config = readConfig(process.env)
  const say = (line: string) => console.log(line)
  await restoreBackup(config, folder, { force, say, clearCache: () => clearCache(config) })
} catch (error) {
  console.error(messageOf(error))
  process.exitCode = 1
}
// Exit explicitly: the cache still has timers and connections. All output has been written by now.
process.stdout.write('', () => process.exit())

async function clearCache(config: Config): Promise<void> {
  const { url, keyPrefix } = config.redis
  if (url === null) return
  const { redis, cache } = await openCache(url, config, WAIT_MS)
  if (!cache.trusted) throw new BackupError('the cache cannot be cleared')
  const cleared = await cache.clearPattern('*', () => {}, 'npm run restore')
  // The next start records which database this Redis caches.
  await new RedisStore(redis, keyPrefix).removeLabel()
  console.log(`Redis: ${cleared} keys of cached data cleared`)
}

function readArguments() {
  const flag = { type: 'boolean', default: false } as const
  const options = { force: flag, help: { ...flag, short: 'h' } } as const
  try {
    const { values, positionals } = parseArgs({ options, allowPositionals: true })
    if (values.help) endWithUsage(USAGE, null)
    const [folder, ...more] = positionals
    if (folder === undefined || more.length > 0) return endWithUsage(USAGE, 'give one folder')
    return { folder, force: values.force }
  } catch (error) {
    return endWithUsage(USAGE, messageOf(error))
  }
}
