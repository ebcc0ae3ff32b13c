import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import type { Attack, Target } from '../attack.ts'

const SECONDS = 10
const CHANNEL = 'aikademiya:invalidations'

/** Forged invalidation messages from a client that can publish to Redis: the most expensive patterns and lists. */
export const attack: Attack = {
  name: 'forged invalidation messages with 100,000 stars or 100,000 tags',
  seconds: SECONDS + 5,
  async run({ redisUrl }: Target) {
    const redis = new Redis(redisUrl)
    const messages = [
      { clear: '*'.repeat(100_000) },
      { clear: `${'*a'.repeat(255)}b` },
      { clear: `${'*?'.repeat(255)}b` },
      { tags: Array.from({ length: 100_000 }, (_, i) => `course:${i}`) }
    ].map((message) => JSON.stringify({ from: 'attacker', ...message }))
    let sent = 0
    const end = performance.now() + 1000 * SECONDS
    while (performance.now() < end) {
      for (const message of messages) await redis.publish(CHANNEL, message)
      sent += messages.length
      await sleep(20)
    }
    redis.disconnect()
    return `${sent} messages sent`
  }
}
