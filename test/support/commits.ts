import type { Database } from '#database/database.ts'

/** Hears of the commits of a database, in place of a cache. */
export function listenTo(database: Database) {
  const commits: string[][] = []
  database.onCommit(async (invalidations) => {
    commits.push(invalidations.map(({ tag }) => tag).sort())
  })
  return {
    /** The tags of each commit that was heard of so far. */
    commits,
    /** Those of the commits that a task makes. */
    async commitsOf(task: () => Promise<unknown>): Promise<string[][]> {
      const before = commits.length
      await task()
      return commits.slice(before)
    }
  }
}
