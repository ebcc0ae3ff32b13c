/**
 * Prints the usage and exits: with code 2 and the problem if the arguments are wrong, with code 0 if `--help` was
 * given.
 */
export function endWithUsage(usage: string, problem: string | null): never {
  if (problem === null) console.log(usage)
  else console.error(`${problem}\n${usage}`)
  process.exit(problem === null ? 0 : 2)
}
