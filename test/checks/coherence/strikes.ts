import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import type { Fault } from './faults.ts'
import { HttpPipeline } from './http-pipeline.ts'
import { OUTSIDE, OUTSIDE_GRACE_MS, type Subject } from './ledger.ts'
import { skewed } from './reads.ts'
import type { World } from './world.ts'
import { Writer } from './writer.ts'
import { CATEGORY_ID } from './writes.ts'

const OUTSIDE_WRITE_PAUSE_MS = 20
const CACHED_AFTER_MS = 400
const SWEPT_AFTER_MS = OUTSIDE_GRACE_MS + 500
const READ_AFTER_MS = 1000

/**
 * Kills an instance between the commit of a write and its invalidation. Nothing else writes the same course until the
 * sweepers have had a second, as only they can make the write visible.
 */
export function killing(index: number): Fault {
  const instanceOf = ({ instances }: World) => at(instances, index % instances.length)
  let written: Subject | null = null
  return {
    name: `kill -9 of instance ${index} between commit and invalidation`,
    readsMayFail: true,
    async strike(world, tally) {
      const instance = instanceOf(world)
      // The most-read course that is not being written. It is left alone until every instance has cached it.
      const course = world.subjects.courses.find(({ title }) => !title.busy)
      if (course === undefined) throw new Error('every course is being written')
      written = course.title
      written.busy = true
      await sleep(CACHED_AFTER_MS)
      written.busy = false
      const { version } = written.last
      instance.up = false
      await new Writer(world, tally).writeCourse(instance, course, true)
      if (written.last.version === version) throw new Error('the instance died before the write was committed')
      written.busy = true
    },
    async repair(world) {
      await Promise.all([instanceOf(world).start(), sleep(SWEPT_AFTER_MS)])
      if (written !== null) written.busy = false
    }
  }
}

export async function writeFromOutside(world: World, forMs: number): Promise<void> {
  const client = await connect(world)
  const end = performance.now() + forMs
  while (performance.now() < end) {
    const { id, title } = skewed(world.subjects.courses)
    if (!title.busy) {
      title.busy = true
      const version = title.issue()
      await client.query('update course set title = $1 where id = $2', [`v${version}`, id])
      title.ack(version, OUTSIDE)
      title.busy = false
    }
    await sleep(Math.random() * OUTSIDE_WRITE_PAUSE_MS)
  }
  await client.end()
}

/**
 * Renames a category in one session while another moves a course into it, which the trigger of the rename cannot see
 * before it is committed. The page of the course is read after the move is committed and before the rename is.
 */
export async function renameDuringMove(world: World): Promise<void> {
  const course = world.subjects.courses.find(({ categoryId, title }) => categoryId !== CATEGORY_ID && !title.busy)
  const { id, name } = world.subjects.spareCategory
  if (course === undefined) throw new Error('every course is being written')
  course.title.busy = true
  const [moves, renames] = await Promise.all([connect(world), connect(world)])
  await moves.query('begin')
  await moves.query('update course set category_id = $1 where id = $2', [id, course.id])
  const version = name.issue()
  await renames.query('begin')
  // Not awaited yet: it may have to wait for the other transaction.
  const renamed = renames.query('update category set name = $1 where id = $2', [`v${version}`, id])
  await sleep(READ_AFTER_MS)
  await moves.query('commit')
  await sleep(SWEPT_AFTER_MS)
  for (const { port } of world.instances) {
    const connection = new HttpPipeline(() => port)
    await connection.get(`/api/v1/courses/${course.id}`)
    connection.close()
  }
  await renamed
  await renames.query('commit')
  name.ack(version, OUTSIDE)
  await Promise.all([moves.end(), renames.end()])
  await sleep(SWEPT_AFTER_MS + READ_AFTER_MS)
  course.title.busy = false
}

/** Fills Redis with unused keys, so that it evicts entries and stamps, old and new. */
export async function evict({ redis }: World, forMs: number): Promise<void> {
  const evicted = await redis.fill(forMs)
  if (evicted < 1000) throw new Error(`only ${evicted} keys were evicted`)
}

async function connect({ databaseUrl }: World): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: databaseUrl })
  await client.connect()
  return client
}

function at<T>(items: readonly T[], index: number): T {
  const item = items[index]
  if (item === undefined) throw new Error(`there is no item ${index}`)
  return item
}
