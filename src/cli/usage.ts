/** Ends a command: with 2 for a problem of its arguments, told before its usage; with 0 for whoever asked how it is used. */
export function endWithUsage(usage: string, problem: string | null): never {
  if (problem === null) console.log(usage)
  else console.error(`${problem}\n${usage}`)
  process.exit(problem === null ? 0 : 2)
}
