/**
 * An update as docs/upgrade.md describes it, and its rollback, behind nginx and under load: from this version to a
 * modified copy, or from the checkout in the folder UPGRADE_FROM to this version.
 */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { until } from '../support/eventually.ts'
import { spawnWorker } from '../support/generations.ts'
import { NEXT_VERSION } from '../support/next-version.ts'
import { startStack } from '../support/people.ts'
import { freePort } from '../support/port.ts'
import { copyRepository } from '../support/repository-copy.ts'
import { ROOT, runScriptIn } from '../support/script.ts'
import type { ServerProcess } from '../support/server-process.ts'
import { spawnService } from '../support/service.ts'
import { startNginx } from '../support/shared-caches.ts'
import { UpgradeLoad } from '../support/upgrade-load.ts'

const BETWEEN_MS = 1000

t.test(
  'during an update and its rollback, no request fails, and no read is older than an acknowledged write',
  async (t) => {
    const { env, postgres } = await startStack(t)
    const { UPGRADE_FROM } = process.env
    const [before, after] = UPGRADE_FROM === undefined ? [ROOT, await nextVersion(t)] : [UPGRADE_FROM, ROOT]
    const shared = {
      ...env,
      // Between real versions, the migrations are applied below, so the old version starts with an empty database.
      DATABASE_URL: UPGRADE_FROM === undefined ? env.DATABASE_URL : await postgres.createDatabase(),
      CACHE_L1_LEASE_MS: '0',
      TRUST_PROXY: '1',
      RATE_LIMIT_GENERATION: '0'
    }
    const ports = [await freePort(), await freePort()]
    const apis: ServerProcess[] = []
    let worker: ServerProcess | undefined

    const startApi = async (i: number, root: string) => {
      apis[i] = await spawnService({ ...shared, PORT: String(ports[i]), WORKER: 'none' }, root)
      t.teardown(() => apis[i]?.kill('SIGKILL'))
    }
    const replaceWorker = async (root: string) => {
      const next = await spawnWorker(shared, root)
      t.teardown(() => next.kill('SIGKILL'))
      if (worker !== undefined) t.equal(await worker.kill('SIGTERM'), 0, 'the worker exits cleanly')
      worker = next
    }
    const replaceAll = async (root: string) => {
      await replaceWorker(root)
      for (const [i, port] of ports.entries()) {
        t.equal(await apis[i]?.kill('SIGTERM'), 0, 'the process exits cleanly')
        await startApi(i, root)
        await until(async () => (await fetch(`http://127.0.0.1:${port}/health/ready`)).ok, 10_000)
        await sleep(BETWEEN_MS)
      }
    }

    for (const i of ports.keys()) await startApi(i, before)
    await replaceWorker(before)
    const { url } = await startNginx(
      t,
      ports.map((port) => `http://127.0.0.1:${port}`)
    )
    const load = new UpgradeLoad(url, UPGRADE_FROM !== undefined)
    await load.start()
    await sleep(BETWEEN_MS)

    await t.test('update', async (t) => {
      const migrated = await runScriptIn(after, 'src/cli/migrate.ts', { DATABASE_URL: shared.DATABASE_URL })
      t.equal(migrated.code, 0, migrated.stdout + migrated.stderr)
      await replaceAll(after)
      t.same(load.wrong.slice(0, 10), [])
    })
    await t.test('rollback', async (t) => {
      await replaceAll(before)
      t.match(apis[0]?.output(), 'the database is newer than this version')
      t.same(load.wrong.slice(0, 10), [])
    })
    await load.stop()
    t.same(load.wrong.slice(0, 10), [])
    const { reads, writes, generations } = load
    t.comment(`${reads} requests, ${writes} writes, ${generations} generations`)
    t.ok(reads > 500 && writes > 50 && generations > 3)
  }
)

/** The folder of a copy with changed shapes and one more migration. */
async function nextVersion(t: Test): Promise<string> {
  const next = await copyRepository(NEXT_VERSION)
  t.teardown(next.remove)
  const migration = join(next.folder, 'prisma', 'migrations', '20991231000000_next')
  await mkdir(migration)
  await writeFile(join(migration, 'migration.sql'), 'alter table course add column next_version text;\n')
  return next.folder
}
