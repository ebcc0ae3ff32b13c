/** The advisory locks of the service, which a database has no names for: any numbers, each for one purpose only. */

/** One process at a time migrates and seeds. */
export const STARTUP_LOCK = 4_714_032_001n
/** Generations are added one after the other. */
export const QUEUE_LOCK = 4_714_032_003n
/** A class of locks, of which each account has one by its id: what counts for its quotas is added one after the other. */
export const ACCOUNT_LOCKS = 471_403_202
/** A class of locks, of which each account and each address has one for a kind of letters by its hash: they are counted one after the other. */
export const LETTER_LOCKS = 471_403_204
