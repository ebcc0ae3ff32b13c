/**
 * One API process of the check. Its loads and invalidations pause at random, so that they race each other. Its control
 * server accepts orders to write, and answers once the write is acknowledged; an order can also make the process kill
 * itself.
 */
import { createServer } from 'node:http'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { readConfig } from '#config/config.ts'
import { buildApp } from '../../../src/app.ts'
import { perform, write } from './writes.ts'

/** A pause lasts up to 20 ms, and one in fifty lasts 100 ms. */
const PAUSE_MS = 20
const LONG_PAUSE_MS = 100
const LONG_PAUSE_SHARE = 0.02
/** The longest pause before an invalidation, which exposes writes that are acknowledged too early. */
const INVALIDATION_PAUSE_MS = 5

const app = await buildApp(readConfig(process.env))
const { coherentCache: cache, catalogue, courseLists } = app

catalogue.course = slowed(catalogue.course.bind(catalogue))
courseLists.page = slowed(courseLists.page.bind(courseLists))
catalogue.modules = slowed(catalogue.modules.bind(catalogue))
catalogue.categories = slowed(catalogue.categories.bind(catalogue))

/** The course whose invalidation kills this process: the sweeper may invalidate others before that. */
let dies: number | null = null
const invalidate = cache.invalidate.bind(cache)
cache.invalidate = async (tags) => {
  if (dies !== null && tags.includes(`course:${dies}`)) process.kill(process.pid, 'SIGKILL')
  await sleep(Math.random() * INVALIDATION_PAUSE_MS)
  await invalidate(tags)
}

const control = createServer((request, response) => {
  answer(request.url ?? '', () => text(request)).then(
    (body) => response.end(JSON.stringify(body)),
    (error) => response.writeHead(500).end(String(error))
  )
})

async function answer(path: string, body: () => Promise<string>): Promise<object> {
  if (path === '/state') return { trusted: cache.trusted }
  const order: unknown = JSON.parse(await body())
  if (!write.Check(order)) throw new Error('not a write')
  if (order.dies) dies = order.id
  await perform(order, app.database)
  return {}
}

function slowed<A extends unknown[], R>(task: (...args: A) => Promise<R>): (...args: A) => Promise<R> {
  return async (...args) => {
    await sleep(pauseMs())
    try {
      return await task(...args)
    } finally {
      await sleep(pauseMs())
    }
  }
}

function pauseMs(): number {
  return Math.random() < LONG_PAUSE_SHARE ? LONG_PAUSE_MS : Math.random() * PAUSE_MS
}

/** The port of a listening server. */
function portOf(address: ReturnType<typeof control.address>): number {
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}

await app.listen({ port: 0, host: '127.0.0.1' })
control.listen(0, '127.0.0.1', () => {
  console.log(`instance listens: ${portOf(app.server.address())} ${portOf(control.address())}`)
})
