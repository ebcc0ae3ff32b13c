import { readdir, readFile } from 'node:fs/promises'
import t from 'tap'
import { Type } from 'typebox'
import { Parse } from 'typebox/schema'
import { parseAllDocuments } from 'yaml'
import { readConfig } from '#config/config.ts'
import { SECRETS } from '#config/secret-files.ts'

const KUBERNETES = new URL('../../ops/kubernetes/', import.meta.url)

const Manifest = Type.Object({
  apiVersion: Type.String(),
  kind: Type.String(),
  metadata: Type.Object({ name: Type.String() })
})
const Kustomization = Type.Object({
  resources: Type.Array(Type.String()),
  configMapGenerator: Type.Array(Type.Object({ literals: Type.Array(Type.String()) }))
})

/** Throws what is wrong with a manifest, by the schema of its kind. */
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

t.test('the manifests for Kubernetes are valid, and all of them are named in the kustomization', async (t) => {
  const kustomization = Parse(Kustomization, (await read('kustomization.yaml'))[0])
  const files = (await readdir(KUBERNETES)).filter((name) => name !== 'kustomization.yaml')
  t.same(kustomization.resources.toSorted(), files.toSorted())
  for (const file of files) for (const manifest of await read(file)) await t.resolves(validate(manifest), file)
  const [namespace] = await read('namespace.yaml')
  await t.rejects(validate({ ...namespace, metadata: { name: 5 } }), 'a wrong one is refused')

  const environment = Object.fromEntries(
    kustomization.configMapGenerator.flatMap(({ literals }) => literals.map((line) => line.split('=')))
  )
  for (const name of Object.keys(environment).filter((name) => name.endsWith('_FILE'))) {
    t.ok(SECRETS.includes(name.replace(/_FILE$/, '')), `${name} is read`)
    delete environment[name]
  }
  t.doesNotThrow(() => readConfig({ ...environment, DATABASE_URL: 'postgres://h/d', SESSION_SECRET: 'x'.repeat(32) }))
})
