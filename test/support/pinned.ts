import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Test } from 'tap'
import { ROOT } from './script.ts'

const EXACT = /^\d+\.\d+\.\d+(-[0-9a-z.-]+)?$/

/**
 * Canary tests apply to one version of a library: package.json must pin it, and it must be installed. To change the
 * version, run the canaries, and read the code that a failing one names.
 */
export async function isPinned(t: Test, ...libraries: string[]): Promise<void> {
  const manifest = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8'))
  for (const library of libraries) {
    const wanted = manifest.dependencies[library] ?? manifest.devDependencies[library]
    t.match(wanted, EXACT, `package.json must pin ${library} to one version: its canaries hold for that one only`)
    const installed = JSON.parse(await readFile(join(ROOT, 'node_modules', library, 'package.json'), 'utf8'))
    t.equal(installed.version, wanted, `the installed ${library} must be the pinned one`)
  }
}
