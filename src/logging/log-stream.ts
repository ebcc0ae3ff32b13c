import { pino } from 'pino'

/** Pino's level of a warning. */
const WARN = 40
const FLUSH_LINES = 256
const FLUSH_MS = 100
/** Makes pino set `lastLevel`. */
const needsMetadata: unique symbol = Symbol.for('pino.metadata')

/** Pino's destination also accepts bytes, but its types do not say so. */
interface Output {
  write(bytes: Buffer | string): boolean
  flushSync(): void
  on(event: 'close', listener: () => void): unknown
}

/**
 * The log on standard output. Lines are written in batches of up to 256, after 100 ms, or when the process exits: a
 * system call per line would cost a tenth of the throughput of cached answers. (Pino's own destination measures all
 * pending lines with every new one, which costs more than its batching saves.) A `kill -9` loses up to 100 ms of the
 * log.
 */
class LogStream {
  readonly [needsMetadata] = true
  /** The level of the next line; set by pino. */
  lastLevel = 0
  readonly #output: Output
  #lines = ''
  #count = 0
  #ended = false
  #timer: NodeJS.Timeout | undefined

  constructor() {
    // Pino's destination closes itself when the event loop is empty: our handler has to run first.
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

  /** Writes a line, which includes its line end. Pino passes no `level`. */
  write(line: string, level = this.lastLevel): void {
    this.#lines += line
    // Warnings and errors are written at once.
    if (++this.#count >= FLUSH_LINES || level >= WARN) this.#flush()
    else this.#timer ??= setTimeout(() => this.#flush(), FLUSH_MS).unref()
  }

  #flush(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#count === 0 || this.#ended) return
    // As bytes: text would be encoded twice, the first time only to learn its length.
    this.#output.write(Buffer.from(this.#lines))
    this.#lines = ''
    this.#count = 0
  }
}

/** The log stream of the process: readable lines in a terminal, JSON everywhere else. */
export const logStream = process.stdout.isTTY ? await readableLines() : new LogStream()

async function readableLines() {
  // Loaded only if used, because loading it takes a while.
  const { default: pretty } = await import('pino-pretty')
  return pretty({ sync: true, translateTime: 'SYS:HH:MM:ss', ignore: 'pid,hostname', singleLine: true })
}
