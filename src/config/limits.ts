import { choice, type Environment, integer } from './environment.ts'

const MAX = 1_000_000_000
const MEBIBYTE = 1024 * 1024

/** Limits for all users together and for each, and who may do what (docs/limits.md). 0 always means no limit. */
export function readLimits(env: Environment) {
  const count = (name: string, fallback: number) => integer(env, name, fallback, 0, MAX)
  return {
    /** Whether visitors may create accounts. */
    registration: choice(env, 'REGISTRATION', 'open', ['open', 'closed']),
    /** Who may publish their own courses. */
    publishing: choice(env, 'PUBLISHING', 'everyone', ['everyone', 'authors']),
    /** Per hour and network, which is an IPv4 address or an IPv6 /64. */
    networkLimit: {
      /** Requests of all signed-in users of the network. */
      requests: count('RATE_LIMIT_NETWORK', 10_000),
      accounts: count('RATE_LIMIT_REGISTRATION', 20),
      generations: count('RATE_LIMIT_GENERATION_NETWORK', 20)
    },
    /** Event streams open in one process. */
    streams: { max: count('MAX_STREAMS', 1000), maxPerUser: count('MAX_STREAMS_PER_USER', 20) },
    /** Requests of all processes to the model, per UTC hour and UTC day. */
    modelBudget: { hour: count('LLM_BUDGET_HOUR', 0), day: count('LLM_BUDGET_DAY', 0) },
    /** Unfinished generations, of all users together and of each. */
    generationQueue: {
      max: count('MAX_GENERATIONS_WAITING', 1000),
      maxPerUser: count('MAX_GENERATIONS_WAITING_PER_USER', 10)
    },
    /** What one account may store. */
    quota: {
      courses: count('QUOTA_COURSES', 200),
      drafts: count('QUOTA_DRAFTS', 100),
      enrollments: count('QUOTA_ENROLLMENTS', 1000),
      bytes: integer(env, 'QUOTA_BYTES', 50 * MEBIBYTE, 0, 1_000_000 * MEBIBYTE)
    }
  }
}
