/** Does something else where a key of Redis is of another type, put there by hand. */
export function ifWrongType<T>(instead: () => Promise<T>): (error: unknown) => Promise<T> {
  return (error) => {
    if (/WRONGTYPE/.test(String(error))) return instead()
    throw error
  }
}
