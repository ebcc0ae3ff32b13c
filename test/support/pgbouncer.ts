import { spawnSync } from 'node:child_process'
import { chmod, chown, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from './port.ts'
import { type ServerProcess, startServer } from './server-process.ts'

/** PgBouncer refuses to run as root. */
const NOBODY = 65_534
const user = process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {}
const SERVER_CONNECTIONS = 20

/** A real PgBouncer in front of the server on `port`, gone with its owner. */
export class PgBouncer {
  readonly port: number
  readonly #folder: string
  readonly #process: ServerProcess

  private constructor(port: number, folder: string, process: ServerProcess) {
    this.port = port
    this.#folder = folder
    this.#process = process
  }

  /** `options` are lines of its configuration, as `application_name_add_host=1`. */
  static async start(target: number, mode: 'session' | 'transaction', ...options: string[]): Promise<PgBouncer> {
    const folder = await mkdtemp(join(tmpdir(), 'aikademiya-pgbouncer-'))
    const port = await freePort()
    const lines = [
      '[databases]',
      `* = host=127.0.0.1 port=${target}`,
      '[pgbouncer]',
      'listen_addr = 127.0.0.1',
      `listen_port = ${port}`,
      'unix_socket_dir =',
      'auth_type = any',
      `pool_mode = ${mode}`,
      `default_pool_size = ${mode === 'session' ? 2 * SERVER_CONNECTIONS : SERVER_CONNECTIONS}`,
      'max_client_conn = 500',
      ...options
    ]
    // PostgreSQL is entered as the user that the client names, which `auth_type = any` leaves to the database's line.
    const file = join(folder, 'pgbouncer.ini')
    await writeFile(file, lines.join('\n').replace(`port=${target}`, `port=${target} user=${DATABASE_USER}`))
    await chmod(folder, 0o755)
    if (user.uid !== undefined) await chown(folder, user.uid, user.gid)
    const process = await startServer('pgbouncer', [file], /process up/, user)
    return new PgBouncer(port, folder, process)
  }

  /** The URL of a database, through it. */
  url(databaseUrl: string): string {
    const url = new URL(databaseUrl)
    url.port = String(this.port)
    return url.href
  }

  async stop(): Promise<void> {
    await this.#process.kill('SIGINT')
    await rm(this.#folder, { recursive: true, force: true })
  }
}

const DATABASE_USER = 'postgres'

/** Whether it is installed, where it can be: Debian has it as `pgbouncer`. */
export function installPgBouncer(): boolean {
  const there = () => spawnSync('pgbouncer', ['--version']).status === 0
  if (there()) return true
  if (process.getuid?.() !== 0) return false
  const apt = (...args: string[]) =>
    spawnSync('apt-get', args, { stdio: 'ignore', env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } })
  apt('update', '-qq')
  apt('install', '-y', '-qq', '--no-install-recommends', 'pgbouncer')
  return there()
}
