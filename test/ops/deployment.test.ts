import { spawnSync } from 'node:child_process'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { Type } from 'typebox'
import { Parse } from 'typebox/schema'
import { parseAllDocuments } from 'yaml'
import { readConfig } from '#config/config.ts'
import { SECRETS } from '#config/secret-files.ts'
import { run } from '../support/server-process.ts'
import { temporaryFolder } from '../support/service.ts'

const KUBERNETES = new URL('../../ops/kubernetes/', import.meta.url)
const SYSTEMD = new URL('../../ops/systemd/', import.meta.url)

const Manifest = Type.Object({
  apiVersion: Type.String(),
  kind: Type.String(),
  metadata: Type.Object({ name: Type.String() })
})
const Kustomization = Type.Object({
  resources: Type.Array(Type.String()),
  images: Type.Array(Type.Object({ name: Type.String() })),
  configMapGenerator: Type.Array(Type.Object({ literals: Type.Array(Type.String()) }))
})

/** Throws if a manifest does not match the schema of its kind. */
async function validate(manifest: unknown): Promise<void> {
  const { apiVersion, kind } = Parse(Manifest, manifest)
  const models: Record<string, new (manifest: unknown) => { validate(): void }> = await import(
    `kubernetes-models/${apiVersion}`
  )
  const Model = models[kind]
  if (Model === undefined) throw new Error(`${apiVersion} has no ${kind}`)
  new Model(manifest).validate()
}

const read = async (name: string) =>
  parseAllDocuments(await readFile(new URL(name, KUBERNETES), 'utf8')).map((document) => document.toJSON())

t.test('the Kubernetes manifests are valid, and the kustomization lists all of them', async (t) => {
  const kustomization = Parse(Kustomization, (await read('kustomization.yaml'))[0])
  const files = (await readdir(KUBERNETES)).filter((name) => name !== 'kustomization.yaml')
  t.same(kustomization.resources.toSorted(), files.toSorted())
  const named = kustomization.images.map(({ name }) => name)
  for (const file of files) {
    for (const manifest of await read(file)) {
      await t.resolves(validate(manifest), file)
      for (const [, image = ''] of JSON.stringify(manifest).matchAll(/"image":"([^"]+)"/g))
        t.ok(named.includes(image), image)
    }
  }
  const [namespace] = await read('namespace.yaml')
  await t.rejects(validate({ ...namespace, metadata: { name: 5 } }), 'an invalid manifest is refused')

  const environment = Object.fromEntries(
    kustomization.configMapGenerator.flatMap(({ literals }) => literals.map((line) => line.split('=')))
  )
  for (const name of Object.keys(environment).filter((name) => name.endsWith('_FILE'))) {
    t.ok(SECRETS.includes(name.replace(/_FILE$/, '')), `${name} is read`)
    delete environment[name]
  }
  t.doesNotThrow(() => readConfig({ ...environment, DATABASE_URL: 'postgres://h/d', SESSION_SECRET: 'x'.repeat(32) }))
})

const without = spawnSync('systemd-analyze', ['--version']).status === 0 ? false : 'systemd is not installed'
t.test('systemd accepts the units, and refuses an invalid one', { skip: without }, async (t) => {
  const folder = await temporaryFolder(t)
  const verify = (names: readonly string[]) =>
    run('systemd-analyze', ['verify', '--man=no', ...names.map((name) => join(folder, name))])
  const names = await readdir(SYSTEMD)
  for (const name of names) {
    const unit = await readFile(new URL(name, SYSTEMD), 'utf8')
    // `systemd-analyze verify` requires that the program exists.
    await writeFile(join(folder, name), unit.replace(/^ExecStart=\S+/m, `ExecStart=${process.execPath}`))
  }
  t.same(await verify(names), { code: 0, stdout: '', stderr: '' })
  await writeFile(join(folder, 'wrong.service'), '[Service]\nExecStart=/nowhere\nMemoryMost=1G\n')
  t.match((await verify(['wrong.service'])).stderr, /MemoryMost/)
})
