/** Who wrote, where it was no API process that acknowledged it: a session of PostgreSQL, or a writer that died. */
export const OUTSIDE = -1
/** How long what was written outside, or by a writer that died, may stay unseen. */
export const OUTSIDE_GRACE_MS = 1000
/** For whoever may be late at all: timers and the event loops of a busy machine are not exact. */
export const TOLERANCE_MS = 20

/** A version that was acknowledged. Times are those of this process, `performance.now()`. */
export interface Ack {
  readonly version: number
  readonly at: number
  /** The instance that wrote it, or `OUTSIDE`. */
  readonly by: number
  /** True when it was the deletion of the subject. */
  readonly absent: boolean
}

export type Seen = number | 'absent'

/** A read: when it was sent, and to which instance. */
export interface Read {
  readonly sentAt: number
  readonly instance: number
  readonly path: string
}

export interface Stale extends Read {
  readonly subject: string
  readonly seen: Seen
  /** The version that it should have seen. */
  readonly acked: Ack
  /** How long after the first newer version was acknowledged it was sent. */
  readonly lateMs: number
  /** False where the rules allow it to be late. */
  readonly broken: boolean
  readonly outcome: string
}

/** Something with versions, written by one writer at a time: the title of a course, the name of a category or an author. */
export class Subject {
  readonly name: string
  /** A query for its present version, `v7` or no row, past everything that the service does. */
  readonly sql: string
  readonly #acks: Ack[]
  #issued: number
  #deletion = -1
  /** True while somebody writes it. */
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

  /** The next version, which may be seen from now on. */
  issue(absent = false): number {
    this.#issued++
    if (absent) this.#deletion = this.#issued
    return this.#issued
  }

  /** A version that is written together with the one of another subject. */
  issueAs(version: number): void {
    this.#issued = version
  }

  ack(version: number, by: number, absent = false): void {
    this.#acks.push({ version, at: performance.now(), by, absent })
  }

  /** What the answer to a read, just arrived, says of this subject: null when it is right. */
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
  // An instance is strict to its own writes; at lease 0 they all are.
  return by === instance || leaseMs === 0 ? 0 : leaseMs + TOLERANCE_MS
}
