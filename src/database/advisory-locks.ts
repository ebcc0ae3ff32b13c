/** The advisory locks of the service. PostgreSQL identifies them by number; these are arbitrary, but unique. */

/** Held while a process migrates or seeds. */
export const STARTUP_LOCK = 4_714_032_001n
/** Serializes the adding of generations. */
export const QUEUE_LOCK = 4_714_032_003n
/** A class with one lock per account, by its id: serializes changes that count towards the account's quotas. */
export const ACCOUNT_LOCKS = 471_403_202
/**
 * A class with one lock per kind of mail and account or address, by a hash of them: serializes the counting of mails.
 */
export const LETTER_LOCKS = 471_403_204
