import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { ROOT } from './script.ts'

const COPIED = [
  'src',
  'plugins',
  'routes',
  'pages',
  'prisma',
  'test',
  'package.json',
  'package-lock.json',
  'tsconfig.json'
]

/** One replacement in the source of the service. */
export interface Replacement {
  readonly file: string
  /** A text that occurs in the file exactly once. */
  readonly text: string
  readonly becomes: string
}

/**
 * A copy of the repository that serves as another version of the service, with the same packages. The caller removes
 * it.
 */
export async function copyRepository(
  replacements: readonly Replacement[]
): Promise<{ folder: string; remove(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'aikademiya-copy-'))
  // Without the packages of the contract tools: they are 20,000 files, and ours are 600.
  const filter = (path: string) => basename(path) !== 'node_modules'
  for (const name of COPIED) await cp(join(ROOT, name), join(folder, name), { recursive: true, filter })
  await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'))
  for (const replacement of replacements) {
    const path = join(folder, replacement.file)
    await writeFile(path, replaced(await readFile(path, 'utf8'), replacement))
  }
  return { folder, remove: () => rm(folder, { recursive: true, force: true }) }
}

/** Throws if the text does not occur in the source exactly once. */
export function replaced(source: string, { file, text, becomes }: Replacement): string {
  const parts = source.split(text)
  if (parts.length !== 2) throw new Error(`${file} must contain this text once, not ${parts.length - 1} times: ${text}`)
  return parts.join(becomes)
}
