import { fileURLToPath } from 'node:url'
import type { Environment } from '#config/environment.ts'
import { inherited, ownNode, run } from './server-process.ts'

/** The folder of the repository. */
export const ROOT = fileURLToPath(new URL('../../', import.meta.url))
/** After this time a script is considered hung; one that writes a migration takes half a minute on a busy machine. */
const TOO_LONG_MS = 60_000

/**
 * Runs a script of the repository, such as `src/cli/seed.ts`, to its end like its npm script, with only `env` as the
 * environment.
 */
export function runScript(script: string, env: Environment, ...args: string[]) {
  return runScriptIn(ROOT, script, env, ...args)
}

/** The same, from another copy of the repository. */
export function runScriptIn(root: string, script: string, env: Environment, ...args: string[]) {
  const [node, ...options] = ownNode
  return run(node, [...options, script, ...args], {
    cwd: root,
    env: { ...inherited, ...env },
    timeout: TOO_LONG_MS
  })
}

/** The lines of an output, without Node's own warnings about experimental features. */
export function lines(output: string): string[] {
  return output.split('\n').filter((line) => line !== '' && !/ExperimentalWarning|--trace-warnings/.test(line))
}
