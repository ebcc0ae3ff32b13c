import { randomUUID } from 'node:crypto'
import { type Static, Type } from 'typebox'
import { Compile } from 'typebox/schema'
import { LineLimit } from '#bounds/line-limit.ts'
import type { Log } from '#logging/log.ts'
import type { RedisClient } from '#redis/connect.ts'
import { heartbeat } from '#redis/watchdog.ts'
import { MAX_KEY_LENGTH } from '../keys.ts'
import { MAX_PATTERN_LENGTH } from '../store/glob.ts'

/** The maximum number of tags in a message. */
export const MAX_TAGS = 500
/** In characters. None of our messages is longer, so a longer one is not even parsed. */
const MAX_MESSAGE_LENGTH = 2 * MAX_TAGS * MAX_KEY_LENGTH
const WARN_EVERY_MS = 60_000

/**
 * A message between instances: the tags that were invalidated, or the pattern that was cleared, and by which person, if
 * any.
 */
const Message = Type.Object({
  from: Type.String({ maxLength: 64 }),
  tags: Type.Optional(Type.Array(Type.String({ maxLength: MAX_KEY_LENGTH }), { maxItems: MAX_TAGS })),
  clear: Type.Optional(Type.String({ maxLength: MAX_PATTERN_LENGTH })),
  by: Type.Optional(Type.String({ maxLength: 200 }))
})
const message = Compile(Message)

export type Message = Omit<Static<typeof Message>, 'from'>

/** Tells the memory tiers of all instances about an invalidation. A lost message delays it by at most the lease. */
export interface Messages {
  publish(message: Message): Promise<void>
}

/** For a single process, which has no other instances to tell. */
export const noMessages: Messages = { publish: async () => {} }

export interface Listener {
  received(message: Message): void
  /** The subscription was interrupted, so any message may have been missed. */
  interrupted(): void
}

/** Messages over Redis pub/sub, on a connection of its own. */
export class RedisMessages implements Messages {
  readonly #publisher: RedisClient
  readonly #subscriber: RedisClient
  readonly #channel: string
  readonly #from = randomUUID()
  readonly #warnings = new LineLimit(1, WARN_EVERY_MS)

  constructor(publisher: RedisClient, subscriber: RedisClient, keyPrefix: string) {
    this.#publisher = publisher
    this.#subscriber = subscriber
    this.#channel = `${keyPrefix}:invalidations`
  }

  async publish(message: Message): Promise<void> {
    await this.#publisher.publish(this.#channel, JSON.stringify({ from: this.#from, ...message }))
  }

  listen(listener: Listener, log: Log): void {
    this.#subscriber.on('message', (_channel, text) => {
      const value = parse(text)
      if (value === null) {
        // It may have been an invalidation, so every copy has to be checked against the store.
        listener.interrupted()
        this.#warn(text, log)
      } else if (value.from !== this.#from) listener.received(value)
    })
    let subscribed = false
    const subscribe = async () => {
      await this.#subscriber.subscribe(this.#channel)
      if (!subscribed) listener.interrupted()
      subscribed = true
    }
    const begin = () => {
      subscribed = false
      subscribe().catch((err) =>
        log.error(
          { err },
          'no invalidation messages: writes of other instances show only after the lease; subscribing again'
        )
      )
    }
    this.#subscriber.on('close', () => {
      subscribed = false
      listener.interrupted()
    })
    this.#subscriber.on('ready', begin)
    if (this.#subscriber.status === 'ready') begin()
    // Subscribing twice is harmless, so it serves as the heartbeat. It tests the connection that delivers the messages
    // (in a cluster, one that carries nothing else), and repairs a failed subscription.
    heartbeat(this.#subscriber, subscribe)
  }

  /** At most one line a minute, so that nobody can flood the log with such messages. */
  #warn(text: string, log: Log): void {
    if (this.#warnings.take() === null) return
    log.warn(
      { text: text.slice(0, 200), length: text.length },
      'not an invalidation message: ignored; check who else can publish to this Redis'
    )
  }
}

/** The message, or null if the text is not a valid one. */
function parse(text: string): Static<typeof Message> | null {
  if (text.length > MAX_MESSAGE_LENGTH) return null
  try {
    const value: unknown = JSON.parse(text)
    return message.Check(value) ? value : null
  } catch {
    return null
  }
}
