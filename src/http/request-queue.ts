import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/** How many requests of one connection may wait behind the one being answered. */
export const MAX_WAITING_REQUESTS = 64

/**
 * The requests of one connection, which a client may send without waiting for answers (pipelining, RFC 9112, 9.3.2).
 * They are processed one at a time: the next one starts once the previous answer has been handed to the operating
 * system. So a client that does not read holds only one answer in memory, and a client that pipelines a write and a
 * read sees its write.
 */
export class RequestQueue {
  readonly #socket: Socket
  readonly #answer: RequestListener
  readonly #onOverflow: (socket: Socket) => void
  #waiting: [IncomingMessage, ServerResponse][] = []
  #answering = false
  #isOver = false

  /** `onOverflow` is called after the connection was closed because too many requests were waiting. */
  constructor(socket: Socket, answer: RequestListener, onOverflow: (socket: Socket) => void) {
    this.#socket = socket
    this.#answer = answer
    this.#onOverflow = onOverflow
  }

  add(request: IncomingMessage, response: ServerResponse): void {
    if (this.#answering) {
      this.#wait(request, response)
      return
    }
    this.#answering = true
    this.#begin(request, response)
  }

  #begin(request: IncomingMessage, response: ServerResponse): void {
    response.on('close', this.#next)
    this.#answer(request, response)
  }

  readonly #next = (): void => {
    const next = this.#socket.writable && !this.#isOver ? this.#waiting.shift() : undefined
    if (next === undefined) {
      this.#answering = false
      this.#waiting = []
      return
    }
    // The rest of its body may not have been read yet.
    if (this.#waiting.length === 0) this.#socket.resume()
    // In a later turn of the event loop: else the requests of other connections would wait for all of these.
    setImmediate(() => this.#begin(...next))
  }

  #wait(request: IncomingMessage, response: ServerResponse): void {
    // Node still emits the requests that arrived in the same chunk.
    if (this.#isOver) return
    // Unread data waits in the operating system, not here.
    this.#socket.pause()
    if (this.#waiting.length < MAX_WAITING_REQUESTS) {
      this.#waiting.push([request, response])
      return
    }
    this.#isOver = true
    hangUp(this.#socket)
    this.#onOverflow(this.#socket)
  }
}

const over: Socket[] = []

/**
 * Closes one connection per turn of the event loop: Node creates an error, with a stack, for each unanswered request.
 */
function hangUp(socket: Socket): void {
  if (over.push(socket) === 1) setImmediate(hangUpOnFirst)
}

function hangUpOnFirst(): void {
  over.shift()?.destroy()
  if (over.length > 0) setImmediate(hangUpOnFirst)
}
