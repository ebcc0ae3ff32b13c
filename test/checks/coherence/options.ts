import { parseArgs } from 'node:util'

export const USAGE = `usage: npm run check:coherence -- [options]
  --reads N        reads per lease (100000), or per copy with --mutations (15000)
  --seconds N      stop after N seconds, even if there were fewer reads (with --mutations: for each copy)
  --lease L        0, default or both (both; 0 with --faults)
  --instances N    API processes (3)
  --writers N      concurrent writers (3)
  --write-pause MS longest pause of a writer between two writes (60)
  --faults         cause faults during reads and writes, one after the other
  --first-broken   stop at the first read that breaks a rule
  --only TEXT      run only the faults or mutations whose name contains TEXT
  --mutations      break copies of the service on purpose; the check must detect each
  --every N        run every Nth mutation, starting with another one each day`

export type Mode = 'load' | 'faults' | 'mutations'
export type Lease = '0' | 'default'

export interface Options {
  readonly mode: Mode
  readonly reads: number
  readonly seconds: number
  readonly leases: readonly Lease[]
  readonly instances: number
  readonly writers: number
  readonly writePauseMs: number
  readonly only: string
  readonly every: number
  readonly firstBroken: boolean
}

export class UsageError extends Error {}

/** Throws `UsageError` for unknown or invalid arguments. */
export function readOptions(args: readonly string[]): Options {
  const { faults, mutations, only, lease, 'first-broken': firstBroken, ...numbers } = parse(args)
  if (faults && mutations) throw new UsageError('--faults and --mutations cannot be combined')
  if (only !== '' && !faults && !mutations) throw new UsageError('--only requires --faults or --mutations')
  const mode = faults ? 'faults' : mutations ? 'mutations' : 'load'
  return {
    mode,
    only,
    every: natural('every', numbers.every, 1),
    firstBroken,
    leases: leases(lease ?? (faults ? '0' : 'both')),
    reads: natural('reads', numbers.reads, mode === 'mutations' ? 15_000 : 100_000),
    seconds: natural('seconds', numbers.seconds, Number.POSITIVE_INFINITY),
    instances: natural('instances', numbers.instances, 3),
    writers: natural('writers', numbers.writers, 3),
    writePauseMs: natural('write-pause', numbers['write-pause'], 60)
  }
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        reads: { type: 'string' },
        seconds: { type: 'string' },
        lease: { type: 'string' },
        instances: { type: 'string' },
        writers: { type: 'string' },
        'write-pause': { type: 'string' },
        'first-broken': { type: 'boolean', default: false },
        only: { type: 'string', default: '' },
        every: { type: 'string' },
        faults: { type: 'boolean', default: false },
        mutations: { type: 'boolean', default: false }
      }
    }).values
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error))
  }
}

function leases(lease: string): readonly Lease[] {
  if (lease === 'both') return ['0', 'default']
  if (lease === '0' || lease === 'default') return [lease]
  throw new UsageError(`--lease must be 0, default or both, not ${lease}`)
}

function natural(name: string, value: string | undefined, unset: number): number {
  if (value === undefined) return unset
  if (!/^[1-9]\d{0,8}$/.test(value)) throw new UsageError(`--${name} must be an integer above 0, not ${value}`)
  return Number(value)
}
