/** `npm run backup -- FOLDER | --into FOLDER [--keep N] [--force]`: PostgreSQL and the sessions of Redis, in a new folder. */
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { messageOf } from '#backup/backup-error.ts'
import { nameOfNow, removeOld } from '#backup/folders.ts'
import { takeBackup } from '#backup/take-backup.ts'
import { readConfig } from '#config/config.ts'
import { endWithUsage } from './usage.ts'

const USAGE = `usage: npm run backup -- FOLDER                      a new folder
       npm run backup -- --into FOLDER [--keep N]   a new one in it, named by the time; of such names the newest N stay
Takes DATABASE_URL, and the sessions of BACKUP_REDIS_URL, or of the Redis of the service. --force goes on where the disk has little room.
Ends with 0 when all was written and read again, with 1 when not, with 2 for wrong usage.`

const { folder, into, keep, force } = readArguments()
const say = (line: string) => console.log(line)
// Nobody else may read what is written, wherever it is moved to.
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
    if (keep !== null && into === null) endWithUsage(USAGE, '--keep goes with --into')
    if (keep !== null && !/^[1-9]\d{0,4}$/.test(keep)) endWithUsage(USAGE, '--keep must be from 1 to 99999')
    const folder = into === null ? (positionals[0] ?? '') : join(into, nameOfNow())
    return { folder, into, keep: keep === null ? null : Number(keep), force }
  } catch (error) {
    return endWithUsage(USAGE, messageOf(error))
  }
}
