import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import type { Environment } from '#config/environment.ts'
import { freePort } from './support/port.ts'
import { PostgresServer } from './support/postgres.ts'
import { lines, runScript } from './support/script.ts'
import { temporaryFolder } from './support/service.ts'

/** Errors that the operator can fix stop the start: exit code 1, one line on stderr that names the cause, nothing else. */

const postgres = await PostgresServer.start()
t.teardown(() => postgres.stop())
// One database per case that gets as far as listening: it leaves its lease behind, for which another start would wait.
const [DATABASE_URL, secondUrl, thirdUrl] = [
  await postgres.createDatabase('seeded'),
  await postgres.createDatabase('seeded'),
  await postgres.createDatabase('seeded')
]
const folder = await temporaryFolder(t)
const file = join(folder, 'file')
await writeFile(file, '')

const taken = createServer().listen(0, '127.0.0.1')
t.teardown(() => taken.close())
await once(taken, 'listening')
const address = taken.address()
const takenPort = typeof address === 'object' && address !== null ? address.port : Number.NaN
const deadPort = await freePort()

const embedded = { DATA_DIR: join(folder, 'data') }
const cases: [string, Environment, RegExp][] = [
  ['a bad PORT', { ...embedded, PORT: 'many' }, /^PORT="many"/],
  ['a TRUST_PROXY that is not an address', { ...embedded, TRUST_PROXY: '999.1.1.1' }, /^TRUST_PROXY="999\.1\.1\.1"/],
  ['production without SESSION_SECRET', { ...embedded, NODE_ENV: 'production' }, /^SESSION_SECRET/],
  ['a DATA_DIR that is a file', { DATA_DIR: file }, /DATA_DIR.*file/],
  ['a PORT in use', { DATABASE_URL, PORT: String(takenPort) }, new RegExp(`PORT.*${takenPort}`)],
  ['a HOST of another machine', { DATABASE_URL: secondUrl, HOST: '192.0.2.1' }, /HOST.*192\.0\.2\.1/],
  ['an unknown HOST', { DATABASE_URL: thirdUrl, HOST: 'no-such-host.invalid' }, /HOST.*no-such-host/],
  [
    'a database that does not answer',
    { DATABASE_URL: `postgres://app:hunter2@127.0.0.1:${deadPort}/academy` },
    new RegExp(`127\\.0\\.0\\.1:${deadPort}`)
  ],
  ['a missing database', { DATABASE_URL: DATABASE_URL.replace(/\w+$/, 'nowhere') }, /nowhere/]
]

for (const [what, env, line] of cases) {
  t.test(`${what} stops the start with one line that names it`, async (t) => {
    const { code, stdout, stderr } = await runScript('src/server.ts', { PORT: '0', LOG_LEVEL: 'error', ...env })
    t.equal(code, 1)
    t.equal(stdout, '')
    t.equal(lines(stderr).length, 1, stderr)
    t.match(stderr, line)
    t.notMatch(stderr, 'hunter2')
  })
}
