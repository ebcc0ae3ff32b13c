import { chmod, chown, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from './port.ts'
import { type ServerProcess, startServer } from './server-process.ts'

/** PgBouncer refuses to run as root. */
const NOBODY = 65_534
const user = process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {}
const SERVER_CONNECTIONS = 20

/** A real PgBouncer in front of the server on `port`, which stops with its owner. */
export class PgBouncer {
  readonly port: number
  readonly #folder: string
  readonly #process: ServerProcess

  private constructor(port: number, folder: string, process: ServerProcess) {
    this.port = port
    this.#folder = folder
    this.#process = process
  }

  /** `options` are lines of its configuration, such as `application_name_add_host=1`. */
  static async start(target: number, mode: 'session' | 'transaction', ...options: string[]): Promise<PgBouncer> {
    const folder = await mkdtemp(join(tmpdir(), 'aikademiya-pgbouncer-'))
    const port = await freePort()
    const lines = [
      '[databases]',
      // With `auth_type = any`, this line determines the PostgreSQL user.
      `* = host=127.0.0.1 port=${target} user=postgres`,
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
    const file = join(folder, 'pgbouncer.ini')
    await writeFile(file, lines.join('\n'))
    await chmod(folder, 0o755)
    if (user.uid !== undefined) await chown(folder, user.uid, user.gid)
    const process = await startServer('pgbouncer', [file], /process up/, user)
    return new PgBouncer(port, folder, process)
  }

  /** The URL of a database through PgBouncer. */
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
