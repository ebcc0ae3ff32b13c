import pg from 'pg'

/** A course of about 4 KB, as every server of the bench sends it. */
export const course = {
  id: 1,
  title: 'Redis in an evening',
  summary: 'A first look at what Redis is for.',
  description: 'x'.repeat(600),
  modules: Array.from({ length: 6 }, (_, m) => ({
    id: m + 1,
    title: `Module ${m + 1} of the course`,
    summary: 'What it is about, in a sentence or two that say something.',
    chapters: Array.from({ length: 5 }, (_, c) => ({
      id: 10 * m + c,
      title: `Chapter ${m + 1}.${c + 1}`,
      position: c + 1
    }))
  }))
}

const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 10 })

/** Loads it as a service would: a question to PostgreSQL. */
export async function load(): Promise<typeof course> {
  await pool.query('select 1')
  return course
}
