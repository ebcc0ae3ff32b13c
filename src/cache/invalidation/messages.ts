import { randomUUID } from 'node:crypto'
import { type Static, Type } from 'typebox'
import { Compile } from 'typebox/schema'
import { LineLimit } from '#bounds/line-limit.ts'
import type { Log } from '#logging/log.ts'
import type { RedisClient } from '#redis/connect.ts'
import { heartbeat } from '#redis/watchdog.ts'
import { MAX_KEY_LENGTH } from '../keys.ts'
import { MAX_PATTERN_LENGTH } from '../store/glob.ts'

/** How many tags a message has at most. */
export const MAX_TAGS = 500
/** A longer text is not even parsed: no message of ours is so long. */
const MAX_MESSAGE_LENGTH = 2 * MAX_TAGS * MAX_KEY_LENGTH
const WARN_EVERY_MS = 60_000

/** What instances tell each other: tags that were invalidated, or a pattern that was cleared, and by whom where it was a person. */
const Message = Type.Object({
  from: Type.String({ maxLength: 64 }),
  tags: Type.Optional(Type.Array(Type.String({ maxLength: MAX_KEY_LENGTH }), { maxItems: MAX_TAGS })),
  clear: Type.Optional(Type.String({ maxLength: MAX_PATTERN_LENGTH })),
  by: Type.Optional(Type.String({ maxLength: 200 }))
})
const message = Compile(Message)

export type Message = Omit<Static<typeof Message>, 'from'>

/** How the memory tiers of all instances hear of an invalidation. What is lost on the way costs at most the lease. */
export interface Messages {
  publish(message: Message): Promise<void>
}

/** Where there is one process only, nobody needs to be told. */
export const noMessages: Messages = { publish: async () => {} }

export interface Listener {
  received(message: Message): void
  /** The subscription was interrupted: anything may have been missed. */
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
        // Whatever it was to say: no copy is believed before the store was asked.
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
        log.error({ err }, 'no invalidation messages: other instances are seen after the lease only; trying again')
      )
    }
    this.#subscriber.on('close', () => {
      subscribed = false
      listener.interrupted()
    })
    this.#subscriber.on('ready', begin)
    if (this.#subscriber.status === 'ready') begin()
    // Subscribing again changes nothing where it stands. It is asked on the very connection that messages come by, of which a
    // cluster has one that nothing else is asked on, and makes up for a subscription that failed.
    heartbeat(this.#subscriber, subscribe)
  }

  /** One line a minute: whoever sends such messages must not fill the log. */
  #warn(text: string, log: Log): void {
    if (this.#warnings.take() === null) return
    log.warn(
      { text: text.slice(0, 200), length: text.length },
      'not an invalidation message: ignored; check who else can publish to this Redis'
    )
  }
}

/** The message, or null for a text that is none. */
function parse(text: string): Static<typeof Message> | null {
  if (text.length > MAX_MESSAGE_LENGTH) return null
  try {
    const value: unknown = JSON.parse(text)
    return message.Check(value) ? value : null
  } catch {
    return null
  }
}
