import { chmod, stat, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { CategoryList } from '../support/contract.ts'
import { get } from '../support/http.ts'
import { lines, runScript } from '../support/script.ts'
import { copySeededDataDir } from '../support/seeded-data-dir.ts'
import { spawnService, temporaryFolder } from '../support/service.ts'

const AT_ONCE_MS = 20_000

const folder = await temporaryFolder(t)
const DATA_DIR = join(folder, 'data')
await copySeededDataDir(DATA_DIR)
await chmod(DATA_DIR, 0o755)
const first = await spawnService({ DATA_DIR })
t.teardown(() => first.kill('SIGKILL'))
const categories = await get(CategoryList, `${first.url}/api/v1/categories`)

/** Checks that the program exits with 1 and prints a single line that names DATA_DIR and its value. */
async function refused(t: Test, script: string, dataDir: string) {
  const { code, stdout, stderr } = await runScript(script, { DATA_DIR: dataDir, PORT: '0' })
  t.equal(code, 1)
  t.equal(stdout, '')
  const [line = '', ...more] = lines(stderr)
  t.match(line, /DATA_DIR.*in use/)
  t.ok(line.includes(dataDir), line)
  t.strictSame(more, [])
}

t.test('a second process on the same DATA_DIR is refused with one line', (t) => refused(t, 'src/server.ts', DATA_DIR))

t.test('another path to the folder does not bypass the lock', async (t) => {
  const link = join(folder, 'link')
  await symlink(DATA_DIR, link)
  await refused(t, 'src/server.ts', link)
})

t.test('a command on the same DATA_DIR is refused too', (t) => refused(t, 'src/cli/migrate.ts', DATA_DIR))

t.test('other users of the system cannot read the folder, whatever its mode was', async (t) => {
  t.equal((await stat(DATA_DIR)).mode & 0o777, 0o700)
})

t.test('the first process is not disturbed', async (t) => {
  t.strictSame(await get(CategoryList, `${first.url}/api/v1/categories`), categories)
})

t.test('after a kill -9 of the first, a new one starts at once, with its data', async (t) => {
  await first.kill('SIGKILL')
  const begin = performance.now()
  const second = await spawnService({ DATA_DIR, LOG_LEVEL: 'info' })
  t.teardown(() => second.kill('SIGKILL'))
  const ms = performance.now() - begin
  t.ok(ms < AT_ONCE_MS, `${Math.round(ms)} ms`)
  t.strictSame(await get(CategoryList, `${second.url}/api/v1/categories`), categories)
  t.notMatch(second.output(), /migrated|seeded/, 'nothing is migrated or seeded again')
})
