import { setTimeout as sleep } from 'node:timers/promises'
import type { Outcome } from './outcome.ts'
import { COURSE, COURSE_ID, type Stack } from './stack.ts'

const HITS_PER_SECOND = 500
const WRITES_PER_SECOND = 50

/** The p99 of hits while their course is written 50 times a second, compared with no writes. */
export async function latencyUnderWrites(stack: Stack, seconds: number, rounds: number): Promise<Outcome> {
  const { url, stop } = await stack.service()
  const hits = { calm: [] as number[], written: [] as number[] }
  await ask(url, seconds)
  for (let round = 0; round < rounds; round++) {
    hits.calm.push(...(await ask(url, seconds)))
    const writing = new AbortController()
    const writes = write(stack, writing.signal)
    hits.written.push(...(await ask(url, seconds)))
    writing.abort()
    await writes
  }
  await stop()
  const [calm, written] = [p99(hits.calm), p99(hits.written)]
  return {
    name: 'p99 of hits under 50 writes/s : without writes',
    ours: `${written.toFixed(2)} ms`,
    yardstick: `${calm.toFixed(2)} ms`,
    value: written / calm,
    unit: '',
    goal: { atMost: 2 },
    remark: `${hits.written.length} hits among writes, ${hits.calm.length} without, at ${HITS_PER_SECOND} requests a second`
  }
}

/** Sends requests at fixed times, however long responses take; resolves to the latency of each hit since it was due, in ms. */
async function ask(url: string, seconds: number): Promise<number[]> {
  const begun = performance.now()
  const hits: number[] = []
  const answers: Promise<void>[] = []
  for (let i = 0; i < seconds * HITS_PER_SECOND; i++) {
    const due = begun + (i * 1000) / HITS_PER_SECOND
    if (due > performance.now()) await sleep(due - performance.now())
    answers.push(
      (async () => {
        const answer = await fetch(url + COURSE)
        await answer.arrayBuffer()
        if (answer.headers.get('x-cache') === 'HIT') hits.push(performance.now() - due)
      })()
    )
  }
  await Promise.all(answers)
  return hits
}

async function write(stack: Stack, signal: AbortSignal): Promise<void> {
  const begun = performance.now()
  for (let i = 1; !signal.aborted; i++) {
    await stack.touch(COURSE_ID)
    const due = begun + (i * 1000) / WRITES_PER_SECOND
    if (due > performance.now()) await sleep(due - performance.now())
  }
}

function p99(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length * 0.99)] ?? Number.NaN
}
