/** The writer of a version that no API process acknowledged: a PostgreSQL session, or a writer that died. */
export const OUTSIDE = -1
/** How long a write from outside, or by a writer that died, may stay unseen, in ms. */
export const OUTSIDE_GRACE_MS = 1000
/** Slack for instances that may lag: timers and event loops of a busy machine are not exact. */
export const TOLERANCE_MS = 20

/** An acknowledged version. Times are `performance.now()` of this process. */
export interface Ack {
  readonly version: number
  readonly at: number
  /** The instance that wrote it, or `OUTSIDE`. */
  readonly by: number
  /** True if the subject was deleted. */
  readonly absent: boolean
}

export type Seen = number | 'absent'

/** When a read was sent, and to which instance. */
export interface Read {
  readonly sentAt: number
  readonly instance: number
  readonly path: string
}

export interface Stale extends Read {
  readonly subject: string
  readonly seen: Seen
  /** The version that the read should have seen. */
  readonly acked: Ack
  /** Time from the acknowledgement of the first newer version to the read, in ms. */
  readonly lateMs: number
  /** False if the rules allow the delay. */
  readonly broken: boolean
  readonly outcome: string
}

/** A versioned value with one writer at a time: the title of a course, the name of a category or an author. */
export class Subject {
  readonly name: string
  /** A query for its current version, `v7` or no row, that bypasses the service. */
  readonly sql: string
  readonly #acks: Ack[]
  #issued: number
  #deletion = -1
  /** True while a write is in progress. */
  busy = false

  constructor(name: string, sql: string, initial: { version: number; absent: boolean }) {
    this.name = name
    this.sql = sql
    this.#issued = initial.version
    this.#acks = [{ ...initial, at: Number.NEGATIVE_INFINITY, by: OUTSIDE }]
  }

  get last(): Ack {
    return this.#at(Number.POSITIVE_INFINITY)
  }

  /** Issues the next version, which reads may see from now on. */
  issue(absent = false): number {
    this.#issued++
    if (absent) this.#deletion = this.#issued
    return this.#issued
  }

  /** Issues a version that is written together with that of another subject. */
  issueAs(version: number): void {
    this.#issued = version
  }

  ack(version: number, by: number, absent = false): void {
    this.#acks.push({ version, at: performance.now(), by, absent })
  }

  /** Checks the version in an answer that has just arrived; returns null if it is fresh enough. */
  judge(seen: Seen, read: Read, outcome: string, leaseMs: number): Stale | null {
    const acked = this.#at(read.sentAt)
    if (seen === 'absent') {
      if (acked.absent || this.#deletion > acked.version) return null
    } else {
      if (seen > this.#issued) throw new Error(`${this.name}: v${seen} was never written`)
      if (seen >= acked.version) return null
    }
    const version = seen === 'absent' ? this.#lastAbsence(read.sentAt) : seen
    const newer = this.#acks.filter((ack) => ack.version > version && ack.at < read.sentAt)
    const lateMs = read.sentAt - Math.min(...newer.map(({ at }) => at))
    const broken = newer.some((ack) => read.sentAt - ack.at > graceMs(ack, read.instance, leaseMs))
    return { ...read, subject: this.name, seen, acked, lateMs, broken, outcome }
  }

  /** The last version that was acknowledged before `time`. */
  #at(time: number): Ack {
    const ack = this.#acks.findLast(({ at }) => at < time)
    if (ack === undefined) throw new Error(`${this.name} had no version`)
    return ack
  }

  #lastAbsence(time: number): number {
    return this.#acks.findLast(({ at, absent }) => at < time && absent)?.version ?? -1
  }
}

/** How long a version may stay unseen by an instance. */
function graceMs({ by }: Ack, instance: number, leaseMs: number): number {
  if (by === OUTSIDE) return Math.max(leaseMs, OUTSIDE_GRACE_MS) + TOLERANCE_MS
  // An instance must see its own writes at once; with a lease of 0 so must all others.
  return by === instance || leaseMs === 0 ? 0 : leaseMs + TOLERANCE_MS
}
