/**
 * `npm run backup -- FOLDER | --into FOLDER [--keep N] [--force]`: saves PostgreSQL and the sessions of Redis in a new
 * folder.
 */
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { messageOf } from '#backup/backup-error.ts'
import { removeOld, timestampName } from '#backup/folders.ts'
import { takeBackup } from '#backup/take-backup.ts'
import { readConfig } from '#config/config.ts'
import { endWithUsage } from './usage.ts'

const USAGE = `usage: npm run backup -- FOLDER                      creates FOLDER
       npm run backup -- --into FOLDER [--keep N]   creates a folder in it, named by the time; keeps the newest N of these
Saves DATABASE_URL, and the sessions in BACKUP_REDIS_URL or the Redis of the service. --force continues although the disk seems too full.
Exit code: 0 if everything was written and verified, 1 if not, 2 for wrong usage.`

const { folder, into, keep, force } = readArguments()
const say = (line: string) => console.log(line)
// No other user may read the files, even after they are moved elsewhere.
process.umask(0o077)
try {
  await takeBackup(readConfig(process.env), folder, { force, say })
  if (into !== null && keep !== null) for (const name of await removeOld(into, keep)) say(`removed: ${name}`)
} catch (error) {
  console.error(messageOf(error))
  process.exitCode = 1
}

function readArguments() {
  const text = { type: 'string' } as const
  const flag = { type: 'boolean', default: false } as const
  const options = { into: text, keep: text, force: flag, help: { ...flag, short: 'h' } } as const
  try {
    const { values, positionals } = parseArgs({ options, allowPositionals: true })
    if (values.help) endWithUsage(USAGE, null)
    const { into = null, keep = null, force } = values
    if (positionals.length !== (into === null ? 1 : 0)) endWithUsage(USAGE, 'give one folder, or --into and a folder')
    if (keep !== null && into === null) endWithUsage(USAGE, '--keep requires --into')
    if (keep !== null && !/^[1-9]\d{0,4}$/.test(keep)) endWithUsage(USAGE, '--keep must be between 1 and 99999')
    const folder = into === null ? (positionals[0] ?? '') : join(into, timestampName())
    return { folder, into, keep: keep === null ? null : Number(keep), force }
  } catch (error) {
    return endWithUsage(USAGE, messageOf(error))
  }
}
