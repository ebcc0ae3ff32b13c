import type { Sql } from '#database/sql.ts'

/** Rows in the list. */
const MAX_SHOWN = 20

/** An unfinished generation, for operators. */
export interface GenerationUnderWay {
  readonly id: string
  readonly topic: string
  readonly user: { readonly id: number; readonly name: string }
  readonly status: 'queued' | 'running'
  readonly percent: number
  /** When it was requested. */
  readonly startedAt: string
}

interface Row {
  readonly id: string
  readonly topic: string
  readonly userId: number
  readonly name: string
  readonly status: 'queued' | 'running'
  readonly total: number
  readonly done: number
  readonly createdMs: number
}

/** The unfinished generations of all users: running ones first, then queued ones, each oldest first. */
export async function underWay(sql: Sql): Promise<GenerationUnderWay[]> {
  const rows = await sql.query<Row>(
    `select job.id::text, topic, user_id as "userId", app_user.name, status::text, module_count * chapters_per_module as total,
       (select count(*)::int from generation_checkpoint where job_id = job.id) as done, (extract(epoch from job.created_at) * 1000)::float8 as "createdMs"
     from generation_job job join app_user on app_user.id = user_id
     where status in ('running', 'queued') order by status desc, job.created_at limit ${MAX_SHOWN}`
  )
  return rows.map(({ id, topic, userId, name, status, total, done, createdMs }) => ({
    id,
    topic,
    user: { id: userId, name },
    status,
    percent: Math.min(100, Math.floor((100 * done) / total)),
    startedAt: new Date(createdMs).toISOString()
  }))
}
