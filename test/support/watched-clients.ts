import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Test } from 'tap'
import { connectRedis, duplicateOf, type RedisClient } from '#redis/connect.ts'
import { closeRedis, REVIVED } from '#redis/watchdog.ts'
import { RedisMessages } from '../../src/cache/invalidation/messages.ts'
import { until } from './eventually.ts'
import { recordingLog } from './recording-log.ts'

/** Longer than a client may stay without a connection attempt, plus the duration of one attempt. */
export const BACK_MS = 6000
export const ANSWER_MS = 10_000

/** The contract of clients on any topology: they reconnect after any failure until they are closed. */
export async function comesBack(t: Test, url: string): Promise<void> {
  await t.test('a client that is told to reconnect while it connects, as at a failover, connects', async (t) => {
    const client = open(t, url)
    t.equal(client.status, 'connecting')
    client.disconnect(true)
    await answers(client)
  })

  for (const how of ['disconnect', 'quit'] as const) {
    await t.test(`a client that other code has ended with ${how}() reconnects, and reports that once`, async (t) => {
      const client = open(t, url)
      await answers(client)
      const reasons: Error[] = []
      client.on(REVIVED, (reason: Error) => reasons.push(reason))
      if (how === 'quit') await client.quit()
      else client.disconnect()
      await once(client, 'end')
      await answers(client)
      t.equal(reasons.length, 1)
      t.match(reasons[0]?.message, /did not reconnect by itself/)
    })
  }

  await t.test('a client that is repeatedly ended while it connects reconnects in the end', async (t) => {
    const client = open(t, url)
    for (let i = 0; i < 20; i++) {
      client.disconnect(i % 2 === 0)
      await sleep(30)
    }
    await answers(client)
  })

  await t.test('a subscribed duplicate that has ended receives messages again', async (t) => {
    const client = open(t, url)
    const { subscriber, heard } = subscribed(t, client, 'ended')
    const other = new RedisMessages(client, client, 'ended')
    await answers(client)
    await until(() => publishUntil(other, heard, 'before'), ANSWER_MS)
    for (const end of [() => subscriber.disconnect(), () => subscriber.disconnect(true), () => subscriber.quit()]) {
      const message = `after ${heard.size}`
      await end()
      await until(() => publishUntil(other, heard, message), ANSWER_MS)
    }
  })

  await t.test('a closed client stays closed, and nothing of it keeps the process alive', async (t) => {
    const before = process.getActiveResourcesInfo().length
    for (const afterMs of [0, 1, 5, 20, 200]) {
      const client = connectRedis(url)
      client.on('error', () => {})
      await sleep(afterMs)
      closeRedis(client)
      client.on('connecting', () => t.fail('connects again'))
    }
    await until(() => process.getActiveResourcesInfo().length <= before, BACK_MS)
    await sleep(1000)
    t.ok(process.getActiveResourcesInfo().length <= before, process.getActiveResourcesInfo().join())
  })
}

export function open(t: Test, url: string): RedisClient {
  const client = connectRedis(url)
  client.on('error', () => {})
  t.teardown(() => closeRedis(client))
  return client
}

/** Waits until a client works; resolves to the time that took, in ms. */
export async function answers(client: RedisClient): Promise<number> {
  return until(async () => (await client.set('answers', '1').catch(() => '')) === 'OK', ANSWER_MS)
}

/** A duplicate that listens like that of the cache, and the tags that it has received. */
export function subscribed(t: Test, client: RedisClient, prefix: string) {
  const subscriber = duplicateOf(client)
  subscriber.on('error', () => {})
  t.teardown(() => closeRedis(subscriber))
  const heard = new Set<string>()
  const received = ({ tags = [] }: { tags?: string[] }) => {
    for (const tag of tags) heard.add(tag)
  }
  new RedisMessages(client, subscriber, prefix).listen({ received, interrupted: () => {} }, recordingLog().log)
  return { subscriber, heard }
}

/** Publishes the tag once; resolves to whether it was received. */
export async function publishUntil(messages: RedisMessages, heard: Set<string>, tag: string): Promise<boolean> {
  await messages.publish({ tags: [tag] }).catch(() => {})
  await sleep(20)
  return heard.has(tag)
}
