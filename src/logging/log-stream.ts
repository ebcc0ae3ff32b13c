import { pino } from 'pino'

/** Pino's level of a warning. */
const WARN = 40
const FLUSH_LINES = 256
const FLUSH_MS = 100
/** Asks pino for `lastLevel`. */
const needsMetadata: unique symbol = Symbol.for('pino.metadata')

/** Pino's destination takes bytes too; its types do not say so. */
interface Output {
  write(bytes: Buffer | string): boolean
  flushSync(): void
  on(event: 'close', listener: () => void): unknown
}

/**
 * The log on standard output. Lines are written together, up to 256 of them or after 100 ms, the rest when the process exits: a
 * system call a line would cost a cached answer a tenth of its speed. (The batches of pino's own destination measure all that
 * waits with every line, which is dearer than what they save.) A `kill -9` loses what was logged within the last 100 ms.
 */
class LogStream {
  readonly [needsMetadata] = true
  /** Of the line that comes; set by pino. */
  lastLevel = 0
  readonly #output: Output
  #lines = ''
  #count = 0
  #ended = false
  #timer: NodeJS.Timeout | undefined

  constructor() {
    // Pino's destination ends itself when the event loop is empty: our handler has to be the first.
    process.on('beforeExit', () => this.#flush())
    process.on('exit', () => {
      this.#flush()
      if (!this.#ended) this.#output.flushSync()
    })
    this.#output = pino.destination({ dest: 1, sync: false, contentMode: 'buffer' })
    this.#output.on('close', () => {
      this.#ended = true
    })
  }

  /** A line, its end included; `level` as pino counts, which gives none along. */
  write(line: string, level = this.lastLevel): void {
    this.#lines += line
    // Of trouble the operator hears at once.
    if (++this.#count >= FLUSH_LINES || level >= WARN) this.#flush()
    else this.#timer ??= setTimeout(() => this.#flush(), FLUSH_MS).unref()
  }

  #flush(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#count === 0 || this.#ended) return
    // As bytes: text would be encoded twice, the first time to learn its length.
    this.#output.write(Buffer.from(this.#lines))
    this.#lines = ''
    this.#count = 0
  }
}

/** A process has one standard output, and so one of these: lines for people in a terminal, JSON everywhere else. */
export const logStream = process.stdout.isTTY ? await readableLines() : new LogStream()

async function readableLines() {
  // Only where it is used: loading it takes a while.
  const { default: pretty } = await import('pino-pretty')
  return pretty({ sync: true, translateTime: 'SYS:HH:MM:ss', ignore: 'pid,hostname', singleLine: true })
}
