import { choice, type Environment, integer } from './environment.ts'

const MAX = 1_000_000_000
const MEBIBYTE = 1024 * 1024

/** What users may take of the service together and each, and who may do what (docs/limits.md). 0 is off, everywhere. */
export function readLimits(env: Environment) {
  const count = (name: string, fallback: number) => integer(env, name, fallback, 0, MAX)
  return {
    /** Whether visitors may make accounts. */
    registration: choice(env, 'REGISTRATION', 'open', ['open', 'closed']),
    /** Who may publish courses of his own. */
    publishing: choice(env, 'PUBLISHING', 'everyone', ['everyone', 'authors']),
    /** In one hour, of one network: an IPv4 address, or an IPv6 /64. */
    networkLimit: {
      /** Requests of all who are signed in. */
      requests: count('RATE_LIMIT_NETWORK', 10_000),
      accounts: count('RATE_LIMIT_REGISTRATION', 20),
      generations: count('RATE_LIMIT_GENERATION_NETWORK', 20)
    },
    /** Streams of events that are open in one process. */
    streams: { max: count('MAX_STREAMS', 1000), maxPerUser: count('MAX_STREAMS_PER_USER', 20) },
    /** Questions to the model, of all processes together, in an hour and a day of UTC. */
    modelBudget: { hour: count('LLM_BUDGET_HOUR', 0), day: count('LLM_BUDGET_DAY', 0) },
    /** Generations that are not over, of everybody and of one user. */
    generationQueue: {
      max: count('MAX_GENERATIONS_WAITING', 1000),
      maxPerUser: count('MAX_GENERATIONS_WAITING_PER_USER', 10)
    },
    /** What one account may keep. */
    quota: {
      courses: count('QUOTA_COURSES', 200),
      drafts: count('QUOTA_DRAFTS', 100),
      enrollments: count('QUOTA_ENROLLMENTS', 1000),
      bytes: integer(env, 'QUOTA_BYTES', 50 * MEBIBYTE, 0, 1_000_000 * MEBIBYTE)
    }
  }
}
