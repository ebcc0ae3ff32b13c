import { appendFile, cp, readdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { lines, ROOT, runScript, runScriptIn } from '../support/script.ts'
import { temporaryFolder } from '../support/service.ts'

const CREATE = 'src/cli/create-migration.ts'
const MIGRATE = 'src/cli/migrate.ts'
const TAG = '\nmodel Tag {\n  id Int @id\n  word String\n  @@map("tag")\n}\n'

const migrations = async (root: string) => (await readdir(join(root, 'prisma', 'migrations'))).sort()
const committed = await migrations(ROOT)

t.test('npm run migration:create without one valid name exits with 2', async (t) => {
  const wrong = [[], ['Add Tags'], ['../escape'], ['two', 'names']]
  const results = await Promise.all(wrong.map((args) => runScript(CREATE, {}, ...args)))
  for (const [index, { code, stdout, stderr }] of results.entries()) {
    t.equal(code, 2, JSON.stringify(wrong[index]))
    t.match(stderr, /^usage: npm run migration:create -- name.*\n$/)
    t.equal(stdout, '')
  }
  t.strictSame(await migrations(ROOT), committed, 'nothing is written')
})

t.test('npm run migration:create, in a copy of the repository', async (t) => {
  const copy = await temporaryFolder(t)
  for (const part of ['src', 'prisma', 'package.json'])
    await cp(join(ROOT, part), join(copy, part), { recursive: true })
  await symlink(join(ROOT, 'node_modules'), join(copy, 'node_modules'))
  await appendFile(join(copy, 'prisma', 'schema.prisma'), TAG)

  await t.test('writes the difference between schema.prisma and the migrations', async (t) => {
    const { code, stdout } = await runScriptIn(copy, CREATE, {}, 'add_tag')
    t.equal(code, 0)
    const [name = '', ...others] = (await migrations(copy)).filter((name) => !committed.includes(name))
    t.match(name, /^\d{14}_add_tag$/)
    t.strictSame(others, [])
    t.match(stdout, name)
    const folders = (await migrations(copy)).filter((entry) => /^\d/.test(entry))
    t.equal(folders.at(-1), name, 'it sorts after the others')
    const sql = await readFile(join(copy, 'prisma', 'migrations', name, 'migration.sql'), 'utf8')
    t.match(sql, 'CREATE TABLE "tag"')
    t.notMatch(sql, /DROP|ALTER TABLE/, 'no other statement')
  })

  await t.test('writes a migration that can be applied, even if it ends with a comment', async (t) => {
    const last = (await migrations(copy)).findLast((entry) => /^\d/.test(entry)) ?? ''
    await appendFile(join(copy, 'prisma', 'migrations', last, 'migration.sql'), '-- no line end')
    const { code, stderr } = await runScriptIn(copy, MIGRATE, { DATA_DIR: await temporaryFolder(t) })
    t.equal(code, 0, stderr)
  })

  await t.test('names the line of a mistake in schema.prisma', async (t) => {
    const schema = join(copy, 'prisma', 'schema.prisma')
    const text = await readFile(schema, 'utf8')
    await writeFile(schema, `${text}model Broken {\n`)
    const { code, stderr } = await runScriptIn(copy, CREATE, {}, 'broken')
    await writeFile(schema, text)
    t.equal(code, 1)
    t.match(stderr, /schema\.prisma:\d+/)
    t.notMatch(stderr, 'at wasm://', 'no stack')
  })

  await t.test('quotes PostgreSQL if a migration fails, and writes nothing', async (t) => {
    const before = await migrations(copy)
    const last = before.findLast((entry) => /^\d/.test(entry)) ?? ''
    await appendFile(join(copy, 'prisma', 'migrations', last, 'migration.sql'), '\nCREATE INDEX ON tags (id);')
    const { code, stdout, stderr } = await runScriptIn(copy, CREATE, {}, 'next')
    t.equal(code, 1)
    t.equal(stdout, '')
    t.match(lines(stderr), [new RegExp(`^the migration ${last} failed.*relation "tags" does not exist`)])
    t.equal(lines(stderr).length, 1)
    t.strictSame(await migrations(copy), before)
  })

  t.strictSame(await migrations(ROOT), committed, 'nothing is written to the repository itself')
})
