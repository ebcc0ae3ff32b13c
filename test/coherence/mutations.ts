import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ROOT } from '../support/script.ts'
import { onLeave } from './leave.ts'
import type { Lease, Options } from './options.ts'
import { table } from './report.ts'

/** A mistake that somebody might make, as one replacement in the source. */
interface Mutation {
  readonly name: string
  readonly file: string
  readonly text: string
  readonly becomes: string
  /** The lease at which it shows. */
  readonly lease: Lease
}

const COPIED = ['src', 'plugins', 'routes', 'prisma', 'test', 'package.json', 'tsconfig.json']

const MUTATIONS: readonly Mutation[] = [
  {
    name: 'stamps are read after the load',
    file: 'src/cache/reader.ts',
    text: 'const entry = await toEntry(load, stamps)',
    becomes:
      'const late = await toEntry(load, stamps); const entry = { ...late, stamps: await this.#options.store.ensureStamps(spec.tags) }',
    lease: '0'
  },
  {
    name: 'a flight is keyed by its key alone',
    file: 'src/cache/reader.ts',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is source code
    text: 'const flight = `${spec.key} ${stamps.join()}`',
    becomes: 'const flight = spec.key',
    lease: '0'
  },
  {
    name: 'a write is acknowledged before the invalidation',
    file: 'src/db/commit-listener.ts',
    text: 'await cache.invalidate(',
    becomes: 'void cache.invalidate(',
    lease: '0'
  },
  {
    name: 'an entry is taken as it is found',
    file: 'src/cache/entry.ts',
    text: 'if (entry.stamps[i] !== current[i]) return false',
    becomes: 'if (current[i] === undefined) return false',
    lease: '0'
  },
  {
    name: 'lists are not tagged with what they list',
    file: 'src/cache/keys.ts',
    text: 'tags: [tags.courses, tags.categories],',
    becomes: 'tags: [tags.categories],',
    lease: '0'
  },
  {
    name: 'the memory tier never hears of drops',
    file: 'src/cache/memory-tier.ts',
    text: 'for (const tag of tags) this.#watch(tag).droppedAt = tick',
    becomes: 'for (const tag of tags) void [tag, tick]',
    lease: 'default'
  },
  {
    name: 'a load that raced a write stays in memory',
    file: 'src/cache/memory-tier.ts',
    text: 'this.#copies.set(key, { entry, check, expiresAt })',
    becomes: 'this.#copies.set(key, { entry, check: { ...check, tick: this.#tick }, expiresAt })',
    lease: 'default'
  }
]

/** Breaks one copy of the repository after the other; true when the check tells each from a sound one. */
export async function checkMutations({ reads, instances, only }: Options): Promise<boolean> {
  const rows: string[][] = []
  for (const mutation of MUTATIONS.filter(({ name }) => name.includes(only))) {
    const caught = await isCaught(mutation, ['--reads', String(reads), '--instances', String(instances)])
    const row = [mutation.name, mutation.file, `lease ${mutation.lease}`, caught ? 'caught' : 'NOT CAUGHT']
    console.error(row.join(', '))
    rows.push(row)
  }
  console.log(table([['mutation', 'in', 'at', 'result'], ...rows]))
  return rows.every((row) => row.at(-1) === 'caught')
}

async function isCaught({ file, text, becomes, lease }: Mutation, args: string[]): Promise<boolean> {
  const folder = await mkdtemp(join(tmpdir(), 'aikademiya-mutation-'))
  const removed = () => rm(folder, { recursive: true, force: true })
  onLeave(removed)
  for (const name of COPIED) await cp(join(ROOT, name), join(folder, name), { recursive: true })
  await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'))

  const path = join(folder, file)
  const parts = (await readFile(path, 'utf8')).split(text)
  if (parts.length !== 2) throw new Error(`${file} has ${parts.length - 1} times, not once: ${text}`)
  await writeFile(path, parts.join(becomes))

  const script = join(folder, 'test', 'coherence', 'check.ts')
  const child = spawn(process.execPath, [script, ...args, '--lease', lease], { stdio: ['ignore', 'pipe', 'pipe'] })
  onLeave(() => end(child))
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      output += chunk
    })
  }
  const [code] = await once(child, 'close')
  await removed()
  // 1 is what it says of stale reads; anything else is a check that could not run.
  if (code !== 0 && code !== 1) throw new Error(`the check of the copy ended with ${code}:\n${output}`)
  if (code === 0) console.error(output)
  return code === 1
}

/** It ends what it has started before it ends itself. */
async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill('SIGTERM')
  await once(child, 'exit')
}
