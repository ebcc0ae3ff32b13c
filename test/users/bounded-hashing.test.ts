import t from 'tap'
import { Bulkhead } from '#database/bulkhead.ts'
import { ApiError } from '#http/errors.ts'

t.test('two tasks run at a time, three wait, and the next is refused', async (t) => {
  const work = new Bulkhead({
    limit: 2,
    queue: 3,
    refusal: () => new ApiError(503, 'OVERLOADED', 'too many sign-ins at once: try again')
  })
  let running = 0
  let most = 0
  const gates: (() => void)[] = []
  const begin = () =>
    work.run(async () => {
      most = Math.max(most, ++running)
      await new Promise<void>((resolve) => gates.push(resolve))
      running--
      return 'done'
    })
  const five = Array.from({ length: 5 }, begin)
  await t.rejects(begin(), new ApiError(503, 'OVERLOADED', 'too many sign-ins at once: try again'))
  for (let ended = 0; ended < 5; ended++) {
    gates.shift()?.()
    await new Promise(setImmediate)
  }
  t.same(await Promise.all(five), Array(5).fill('done'))
  t.equal(most, 2)

  const failing = Array.from({ length: 4 }, () => work.run(() => Promise.reject(new Error('failed'))))
  for (const one of failing) await t.rejects(one, /failed/)
  t.equal(await work.run(async () => 'still works'), 'still works')
})
