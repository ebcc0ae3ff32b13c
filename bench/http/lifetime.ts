import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from '../../test/support/port.ts'
import { median } from '../median.ts'
import { shoot } from './load.ts'
import { LOAD_CORE, residentMiB, SERVER_CORE } from './measure.ts'
import type { Outcome } from './outcome.ts'
import { COURSE, COURSE_ID, type Stack } from './stack.ts'
import { ListLoad } from './zipf.ts'

const L1_MIB = 64
const POLL_MS = 2

/** The time from the start of the process to its first response, on a migrated and seeded database. */
export async function startTime(stack: Stack, rounds: number): Promise<Outcome> {
  const times: number[] = []
  for (let round = 0; round < rounds; round++) {
    const port = await freePort()
    const begun = performance.now()
    const starting = stack.service({ PORT: String(port) }, { cores: `${SERVER_CORE},${LOAD_CORE}` })
    while (!(await answers(`http://127.0.0.1:${port}${COURSE}`))) await sleep(POLL_MS)
    times.push((performance.now() - begun) / 1000)
    await (await starting).stop()
  }
  return {
    name: 'start to first answer, PostgreSQL, migrated',
    ours: `${median(times).toFixed(2)} s`,
    yardstick: '',
    value: median(times),
    unit: ' s',
    goal: { atMost: 1 }
  }
}

async function answers(url: string): Promise<boolean> {
  return fetch(url).then(
    ({ ok }) => ok,
    () => false
  )
}

/** The resident memory after a long load of hits, lists and writes, minus the limit of the memory tier. */
export async function memory(stack: Stack, seconds: number): Promise<Outcome> {
  const { url, pid, stop } = await stack.service()
  const atStart = await residentMiB(pid)
  let most = 0
  const lists = new ListLoad(url, () => stack.touch(COURSE_ID)).load
  for (const end = performance.now() + seconds * 1000; performance.now() < end; ) {
    await shoot({ url: url + COURSE, seconds: 5 })
    await shoot({ ...lists, seconds: 5 })
    most = Math.max(most, await residentMiB(pid))
  }
  const resident = await residentMiB(pid)
  await stop()
  return {
    name: `memory beyond L1 (${L1_MIB} MiB) after ${Math.round(seconds / 60)} min of load`,
    ours: `${Math.round(resident)} MiB resident`,
    yardstick: '',
    value: resident - L1_MIB,
    unit: ' MiB',
    goal: { atMost: 170 },
    remark: `${Math.round(atStart)} MiB at the start, ${Math.round(most)} at most`
  }
}
