/** The service under attack: a separate process on PostgreSQL with 100,000 courses, and Redis. */
export interface Target {
  /** Such as `http://127.0.0.1:40123`. */
  readonly url: string
  readonly databaseUrl: string
  readonly redisUrl: string
  readonly pid: number
  /** The e-mail and password of an admin. */
  readonly admin: { readonly email: string; readonly password: string }
}

/** The actions of one attacker, bounded in time, on loopback only. */
export interface Attack {
  readonly name: string
  /** The maximum duration. */
  readonly seconds: number
  /** Resolves to what the attacker achieved, in one line; throws if a bound of the attack was exceeded. */
  run(target: Target): Promise<string>
}
