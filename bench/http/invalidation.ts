import { fileURLToPath } from 'node:url'
import { run } from '../../test/support/server-process.ts'
import type { Outcome } from './outcome.ts'

const BENCH = fileURLToPath(new URL('../invalidation.ts', import.meta.url))

/** Runs `npm run bench:invalidation` and returns its results. */
export async function invalidation(): Promise<Outcome[]> {
  const { code, stdout, stderr } = await run(process.execPath, [BENCH, '--json'])
  if (code !== 0) throw new Error(stderr)
  const found: Record<'invalidation' | 'write', [number, number]> = JSON.parse(stdout.trim().split('\n').at(-1) ?? '')
  const outcome = (name: string, [base, ours]: [number, number], atMost: number): Outcome => ({
    name,
    ours: `${ours.toFixed(3)} ms`,
    yardstick: `${base.toFixed(3)} ms`,
    value: ours / base,
    unit: '',
    goal: { atMost }
  })
  return [
    outcome('invalidation at 1,000,000 keys : at 1,000', found.invalidation, 1.1),
    outcome('write with invalidation : bare Prisma', found.write, 2)
  ]
}
