import { fileURLToPath } from 'node:url'
import type { Environment } from '#config/environment.ts'
import { inherited, ownNode, run } from './server-process.ts'

/** Where the repository is. */
export const ROOT = fileURLToPath(new URL('../../', import.meta.url))
/** A script that hangs; one that writes a migration takes half a minute where much else runs. */
const TOO_LONG_MS = 60_000

/** Runs a script of the repository, as `src/cli/seed.ts`, to its end, as its npm script does, with `env` and nothing else of ours. */
export function runScript(script: string, env: Environment, ...args: string[]) {
  return runScriptIn(ROOT, script, env, ...args)
}

/** The same in another copy of the repository. */
export function runScriptIn(root: string, script: string, env: Environment, ...args: string[]) {
  const [node, ...options] = ownNode
  return run(node, [...options, script, ...args], {
    cwd: root,
    env: { ...inherited, ...env },
    timeout: TOO_LONG_MS
  })
}

/** The lines of an output, without what Node itself remarks on its experimental features. */
export function lines(output: string): string[] {
  return output.split('\n').filter((line) => line !== '' && !/ExperimentalWarning|--trace-warnings/.test(line))
}
