/** The service under attack: a process of its own on PostgreSQL with 100,000 courses, and on Redis. */
export interface Target {
  /** As `http://127.0.0.1:40123`. */
  readonly url: string
  readonly databaseUrl: string
  readonly redisUrl: string
  readonly pid: number
  /** The e-mail and password of an admin. */
  readonly admin: { readonly email: string; readonly password: string }
}

/** What one attacker does, bounded in time and on loopback only. */
export interface Attack {
  readonly name: string
  /** How long it takes at most. */
  readonly seconds: number
  /** Resolves to what the attacker got, in one line; throws where a bound of its own broke. */
  run(target: Target): Promise<string>
}
