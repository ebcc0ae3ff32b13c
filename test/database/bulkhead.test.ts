import { setImmediate as turn } from 'node:timers/promises'
import t from 'tap'
import { Bulkhead, BusyError } from '#database/bulkhead.ts'
import { onBehalfOf } from '#database/on-behalf-of.ts'

function bulkhead(longestWaitMs = 5000) {
  const order: string[] = []
  const walls = new Bulkhead({ refusal: () => new BusyError('tests'), limit: 2, queue: 2, longestWaitMs, perClient: 3 })
  /** A task that runs until it is ended. */
  const begin = (name: string, signal?: AbortSignal) => {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const ended = walls.run(async () => {
      order.push(name)
      await promise
      return name
    }, signal)
    return { end: resolve, fail: reject, ended }
  }
  return { walls, order, begin }
}

t.test('tasks run up to the limit, queue in order up to the queue limit, and are then refused at once', async (t) => {
  const { walls, order, begin } = bulkhead()
  const [a, b, c, d] = [begin('a'), begin('b'), begin('c'), begin('d')]
  await turn()
  t.same(order, ['a', 'b'])
  t.same(walls.state, { running: 2, waiting: 2 })
  const refused = await begin('e').ended.catch((error: unknown) => error)
  t.match(refused, { statusCode: 503, code: 'BUSY', headers: { 'Retry-After': /^\d+$/ } })
  b.fail(new Error('a failed task frees its place too'))
  await t.rejects(b.ended, /frees its place/)
  a.end()
  t.equal(await a.ended, 'a')
  await turn()
  t.same(order, ['a', 'b', 'c', 'd'])
  c.end()
  d.end()
  await Promise.all([c.ended, d.ended])
  t.same(walls.state, { running: 0, waiting: 0 })
})

t.test('a task that has waited too long is refused, and takes no place', async (t) => {
  const { walls, order, begin } = bulkhead(10)
  const [a, b, c] = [begin('a'), begin('b'), begin('c')]
  await t.rejects(c.ended, { code: 'BUSY' })
  t.same(walls.state, { running: 2, waiting: 0 })
  a.end()
  b.end()
  await Promise.all([a.ended, b.ended])
  t.same(order, ['a', 'b'])
})

t.test('a client that hangs up while waiting takes no place', async (t) => {
  const { walls, order, begin } = bulkhead()
  const [a, b] = [begin('a'), begin('b')]
  const gone = new AbortController()
  const c = begin('c', gone.signal)
  const d = begin('d')
  gone.abort()
  await t.rejects(c.ended, { code: 'CLIENT_GONE' })
  await t.rejects(begin('e', gone.signal).ended, { code: 'CLIENT_GONE' })
  a.end()
  await a.ended
  await turn()
  t.same(order, ['a', 'b', 'd'])
  b.end()
  d.end()
  await Promise.all([b.ended, d.ended])
  t.same(walls.state, { running: 0, waiting: 0 })
})

t.test('one client runs no more than its share, and leaves the rest to others', async (t) => {
  const { walls, begin } = bulkhead()
  const own = [1, 2, 3, 4].map((n) => onBehalfOf('user:1', () => begin(`own ${n}`)))
  const refused = own.pop()
  await t.rejects(Promise.resolve(refused?.ended), { code: 'BUSY' })
  const other = onBehalfOf('user:2', () => begin('of another'))
  await turn()
  t.same(walls.state, { running: 2, waiting: 2 })
  for (const { end } of [...own, other]) end()
  await Promise.all([...own, other].map(({ ended }) => ended))
  const again = onBehalfOf('user:1', () => begin('again'))
  again.end()
  t.equal(await again.ended, 'again', 'a finished task frees its place')
})

t.test('clients take turns, and a full queue drops the newest task of the client with the most', async (t) => {
  const order: string[] = []
  const walls = new Bulkhead({ refusal: () => new BusyError('tests'), limit: 1, queue: 4 })
  const ask = (client: string, name: string) =>
    new Promise<string>((resolve, reject) => {
      onBehalfOf(client, () => {
        walls.run(async () => void order.push(name)).then(() => resolve(name), reject)
      })
    })
  const gate = Promise.withResolvers<void>()
  const first = walls.run(() => gate.promise)
  const [a1, a2, a3, a4, a5] = [ask('a', 'a1'), ask('a', 'a2'), ask('a', 'a3'), ask('a', 'a4'), ask('a', 'a5')]
  await t.rejects(a5, { code: 'BUSY' }, 'no room for another task of the same client')
  const [visitor, other] = [ask('b', 'b1'), ask('c', 'c1')]
  for (const one of [a3, a4]) await t.rejects(one, { code: 'BUSY' }, 'it makes room for others')
  t.same(walls.state, { running: 1, waiting: 4 })
  gate.resolve()
  await Promise.all([first, visitor, other, a1, a2])
  t.same(order, ['a1', 'b1', 'c1', 'a2'])
  t.same(walls.state, { running: 0, waiting: 0 })
})
