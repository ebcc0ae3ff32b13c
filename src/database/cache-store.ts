import type { CacheStoreUse, LiveUse, StoreRegistry } from '#cache'
import type { Sql } from './sql.ts'

/** How long after its last heartbeat a process counts as alive, in ms. */
const ALIVE_MS = 8000
/** How old the last heartbeat must be before it is renewed, in ms, so that only one of many processes writes it. */
const RENEW_AFTER_MS = 1500

/** The only row of the table `cache_store`: which store the processes on this database use. */
export class CacheStoreTable implements StoreRegistry {
  readonly #sql: Sql
  /** True if no other process can use this database: the registered store is then our own, from an earlier run. */
  readonly exclusive: boolean
  #databaseId: string | null = null

  constructor(sql: Sql, exclusive: boolean) {
    this.#sql = sql
    this.exclusive = exclusive
  }

  /** Identifies this very database: a copy of it that was restored elsewhere has another id. */
  async databaseId(): Promise<string> {
    if (this.#databaseId !== null) return this.#databaseId
    const [row] = await this.#sql.query<{ id: string }>(
      `select concat_ws('.', database_id, (select oid from pg_database where datname = current_database()),
         (select system_identifier from pg_control_system())) as id from cache_store`
    )
    if (row === undefined) throw new Error(EMPTY)
    this.#databaseId = row.id
    return row.id
  }

  async used(): Promise<LiveUse | null> {
    const [row] = await this.#sql.query<Row>(`select ${COLUMNS} from cache_store`)
    return row === undefined ? null : this.#ifAlive(row)
  }

  async register({ storeId, keyPrefix }: CacheStoreUse, moving: () => Promise<void>): Promise<LiveUse | null> {
    const isOurs = (row: Row | undefined) => row?.storeId === storeId && row.keyPrefix === keyPrefix
    const [seen] = await this.#sql.query<Row>(`select ${COLUMNS} from cache_store`)
    if (seen !== undefined && isOurs(seen) && seen.seenMsAgo < RENEW_AFTER_MS) return null
    // The row lock makes the second of two concurrent registrations see the first.
    return this.#sql.transaction(async (query) => {
      const [row] = await query<Row>(`select ${COLUMNS} from cache_store for no key update`)
      if (row === undefined) throw new Error(EMPTY)
      const other = isOurs(row) ? null : this.#ifAlive(row)
      if (other !== null) return other
      if (!isOurs(row) && row.storeId !== null) await moving()
      await query('update cache_store set store_id = $1, key_prefix = $2, seen_at = clock_timestamp()', [
        storeId,
        keyPrefix
      ])
      return null
    })
  }

  async release(storeId: string): Promise<void> {
    await this.#sql.query(`update cache_store set seen_at = 'epoch' where store_id = $1`, [storeId])
  }

  #ifAlive({ storeId, keyPrefix, seenMsAgo }: Row): LiveUse | null {
    if (storeId === null || keyPrefix === null || this.exclusive || seenMsAgo > ALIVE_MS) return null
    return { storeId, keyPrefix, seenMsAgo }
  }
}

const EMPTY = 'the table cache_store is empty: run insert into cache_store default values'

interface Row {
  readonly storeId: string | null
  readonly keyPrefix: string | null
  readonly seenMsAgo: number
}

const COLUMNS = `store_id as "storeId", key_prefix as "keyPrefix",
  (extract(epoch from clock_timestamp() - seen_at) * 1000)::float8 as "seenMsAgo"`
