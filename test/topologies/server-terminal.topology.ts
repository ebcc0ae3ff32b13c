import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { copySeededDataDir } from '../support/seeded-data-dir.ts'
import { inherited, run, startServer } from '../support/server-process.ts'
import { script, spawnService, temporaryFolder } from '../support/service.ts'

const ESCAPES = new RegExp(`${String.fromCharCode(27)}\\[[0-9;]*m`, 'g')

t.test('in a terminal, the service prints readable lines, and its URLs', async (t) => {
  const DATA_DIR = join(await temporaryFolder(t), 'data')
  await copySeededDataDir(DATA_DIR)
  const command = `exec ${process.execPath} ${script('src/server.ts')}`
  // `script` of util-linux runs it in a terminal.
  const service = await startServer('script', ['-qefc', command, '/dev/null'], /Generation +template.*/, {
    cwd: script(''),
    env: { ...inherited, PORT: '0', DATA_DIR, REDIS_KEY_PREFIX: 'x' }
  })
  t.teardown(() => service.kill('SIGKILL'))
  const output = service.output().replaceAll(ESCAPES, '')
  const url = /Courses +(\S+)\/api\/v1\/courses/.exec(output)?.[1] ?? ''
  t.equal((await fetch(`${url}/health/live`)).status, 200)
  t.match(output, /Documentation +http.*\/docs/)
  t.match(output, `embedded, in ${DATA_DIR}`)
  t.notMatch(output, '{"level"')
  t.match(output, /^\[\d\d:\d\d:\d\d\] INFO: /m)
})

t.test('elsewhere, the service writes one line of JSON for each event, and nothing else', async (t) => {
  const DATA_DIR = join(await temporaryFolder(t), 'data')
  await copySeededDataDir(DATA_DIR)
  const service = await spawnService({ DATA_DIR })
  t.equal(await service.kill('SIGTERM'), 0)
  for (const line of service.output().trim().split('\n')) t.match(JSON.parse(line), { level: Number, msg: String })
})

t.test('a .env file is read if there is one, and a missing one is not reported', async (t) => {
  const folder = await temporaryFolder(t)
  const show = () =>
    run(
      process.execPath,
      ['--import', script('src/config/env-file.ts'), '-p', 'process.env.PORT + " " + process.env.HOST'],
      {
        cwd: folder,
        env: { ...inherited, HOST: 'set' }
      }
    )
  t.strictSame(await show(), { code: 0, stdout: 'undefined set\n', stderr: '' })
  await writeFile(join(folder, '.env'), 'PORT=4711\nHOST=file\n')
  t.strictSame(await show(), { code: 0, stdout: '4711 set\n', stderr: '' })
})
