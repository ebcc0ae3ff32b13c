import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { pipeline } from 'node:stream/promises'
import { BackupError, messageOf } from './backup-error.ts'

/** How long `pg_dump` waits for a lock that another session holds, such as a migration. */
const LOCK_WAIT = '60s'
const CONNECT_TIMEOUT_S = '10'
const MAX_ERROR_CHARACTERS = 1000

type Tool = 'pg_dump' | 'pg_restore' | 'psql'

/** Runs `pg_dump`, `pg_restore` and `psql` from the PATH on the database at a URL. They never prompt for a password. */
export class PostgresTools {
  readonly #url: string
  readonly #env: NodeJS.ProcessEnv

  constructor(databaseUrl: string) {
    const { url, env } = withoutCredentials(databaseUrl)
    this.#url = url
    this.#env = { ...process.env, PGCONNECT_TIMEOUT: CONNECT_TIMEOUT_S, ...env }
  }

  /** The major version of `pg_dump`. */
  async dumpVersion(): Promise<number> {
    return Number(/\) (\d+)/.exec(await this.#output('pg_dump', ['--version']))?.[1])
  }

  /** Writes the whole database to a new file, compressed. */
  async dump(file: string): Promise<void> {
    await this.#output('pg_dump', ['-Fc', '--no-password', `--lock-wait-timeout=${LOCK_WAIT}`, '-f', file, this.#url])
  }

  /** The table of contents of a dump. It is at the beginning, so it can be read even if the dump is cut off. */
  contents(file: string): Promise<string> {
    return this.#output('pg_restore', ['--list', file])
  }

  /** Reads and unpacks a dump to its end; rejects if it is corrupt or cut off. */
  async readWhole(file: string): Promise<void> {
    await this.#output('pg_restore', ['-f', '/dev/null', file])
  }

  /**
   * Runs `before`, the dump, and `after` in one transaction. The COMMIT is the last line sent, so if the dump cannot be
   * read to its end, or a process dies, the database is unchanged.
   */
  async restore(file: string, before: string, after: string): Promise<void> {
    const reader = this.#start('pg_restore', ['--no-owner', '-f', '-', file], ['ignore', 'pipe', 'pipe'])
    const quiet = ['-X', '-q', '--no-password', '-v', 'ON_ERROR_STOP=1', '-o', '/dev/null', '-f', '-', this.#url]
    const writer = this.#start('psql', quiet, ['pipe', 'ignore', 'pipe'])
    const [read, written] = [ended('pg_restore', reader), ended('psql', writer)]
    // The process that stops first breaks the pipe; its own error message says why.
    writer.stdin?.on('error', () => {})
    writer.stdin?.write(`begin;\n${before}\n`)
    if (reader.stdout && writer.stdin) await pipeline(reader.stdout, writer.stdin, { end: false }).catch(() => {})
    const failure = await Promise.race([written, read]).then(
      () => null,
      (error) => error
    )
    if (failure === null) writer.stdin?.end(`\n${after}\ncommit;\n`)
    else for (const child of [reader, writer]) child.kill()
    const results = await Promise.allSettled([written, read])
    if (failure !== null) throw failure
    for (const result of results) if (result.status === 'rejected') throw result.reason
  }

  async #output(tool: Tool, args: readonly string[]): Promise<string> {
    const child = this.#start(tool, args, ['ignore', 'pipe', 'pipe'])
    let output = ''
    child.stdout?.setEncoding('utf8').on('data', (text) => {
      output += text
    })
    await ended(tool, child)
    return output
  }

  #start(tool: Tool, args: readonly string[], stdio: ('ignore' | 'pipe')[]): ChildProcess {
    return spawn(tool, args, { env: this.#env, stdio })
  }
}

/** Resolves when a tool has ended successfully; otherwise rejects with its error output. */
async function ended(tool: Tool, child: ChildProcess): Promise<void> {
  let errorOutput = ''
  child.stderr?.setEncoding('utf8').on('data', (text) => {
    errorOutput = (errorOutput + text).slice(-MAX_ERROR_CHARACTERS)
  })
  try {
    const [code, signal]: unknown[] = await once(child, 'close')
    if (code !== 0) throw new BackupError(errorOutput.trim() || `${tool} ended with ${code ?? signal}`)
  } catch (error) {
    if (error instanceof BackupError) throw error
    throw new BackupError(`${tool} cannot be run: install the PostgreSQL client (${messageOf(error)})`)
  }
}

/**
 * Moves user and password from the URL to environment variables, because every user of the machine can read the
 * arguments of a command.
 */
function withoutCredentials(databaseUrl: string): { url: string; env: Record<string, string> } {
  const url = new URL(databaseUrl)
  const user = decodeURIComponent(url.username) || url.searchParams.get('user')
  const password = decodeURIComponent(url.password) || url.searchParams.get('password')
  url.username = ''
  url.password = ''
  for (const name of ['user', 'password']) url.searchParams.delete(name)
  return { url: url.href, env: { ...(user && { PGUSER: user }), ...(password && { PGPASSWORD: password }) } }
}
