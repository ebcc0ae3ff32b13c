import { randomUUID } from 'node:crypto'
import { type Static, Type } from 'typebox'
import { Compile } from 'typebox/schema'
import type { Log } from '#logging/log.ts'
import type { RedisClient } from '#redis/connect.ts'
import { heartbeat } from '#redis/watchdog.ts'

/** What instances tell each other: tags that were invalidated, or a pattern that an operator cleared. */
const Message = Type.Object({
  from: Type.String(),
  tags: Type.Optional(Type.Array(Type.String())),
  clear: Type.Optional(Type.String())
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
      const value: unknown = parse(text)
      if (!message.Check(value)) log.warn({ text: text.slice(0, 200) }, 'not an invalidation message: ignored')
      else if (value.from !== this.#from) listener.received(value)
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
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
