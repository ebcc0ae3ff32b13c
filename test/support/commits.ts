import type { Database } from '#database/database.ts'

/** Listens to the commits of a database, in place of a cache. */
export function listenTo(database: Database) {
  const commits: string[][] = []
  database.onCommit(async (invalidations) => {
    commits.push(invalidations.map(({ tag }) => tag).sort())
  })
  return {
    /** The tags of each commit so far. */
    commits,
    /** The tags of the commits made by a task. */
    async commitsOf(task: () => Promise<unknown>): Promise<string[][]> {
      const before = commits.length
      await task()
      return commits.slice(before)
    }
  }
}
