/** The part of `negotiator` in use; the package has no types. */
declare module 'negotiator' {
  export default class Negotiator {
    constructor(request: { readonly headers: Readonly<Record<string, string | undefined>> })
    /** The encoding that the client prefers; among equally good ones, the first of `preferred`. */
    encoding(available: readonly string[], options: { readonly preferred: readonly string[] }): string | undefined
    /** The language that the client prefers; without a preference, the first. */
    language(available: readonly string[]): string | undefined
  }
}
