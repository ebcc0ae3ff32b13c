import { randomBytes } from 'node:crypto'
import { hash, verify } from '@node-rs/argon2'
import type { Config } from '#config/config.ts'
import type { PrismaClient } from '#database/generated/client.ts'
import type { Log } from '#logging/log.ts'
import { normalize, storedForms } from '#mail/address.ts'
import { firstEpoch } from './first-epoch.ts'

const DEMO_EMAIL = 'admin@aikademiya.local'

/**
 * Creates the configured admin, or gives the account with that e-mail address the configured password and the admin
 * role. A freshly seeded demo catalogue without a configured admin gets one with a random password, which is logged
 * once.
 */
export async function ensureAdmin(
  client: PrismaClient,
  admin: Config['admin'],
  seeded: boolean,
  log: Log
): Promise<void> {
  if (admin !== null) {
    if (!(await setAdmin(client, admin.email, admin.password))) return
    log.info(
      { email: admin.email },
      'admin account set to ADMIN_PASSWORD: unset the variable to keep a password that was changed in the service'
    )
  } else if (seeded) {
    const password = randomBytes(12).toString('base64url')
    await setAdmin(client, DEMO_EMAIL, password)
    log.warn({ email: DEMO_EMAIL }, `demo admin created, shown this once: ${DEMO_EMAIL} / ${password}`)
  }
}

/** Resolves to false if the account already had this password and role. */
async function setAdmin(client: PrismaClient, address: string, password: string): Promise<boolean> {
  const user = await client.user.findFirst({ where: { email: { in: storedForms(address) } } })
  const email = user?.email ?? normalize(address)
  if (user?.role === 'admin' && (await verify(user.passwordHash, password).catch(() => false))) return false
  const passwordHash = await hash(password)
  // The operator vouches for the address.
  const emailVerifiedAt = new Date()
  await client.user.upsert({
    where: { email },
    create: { email, name: 'Administrator', role: 'admin', passwordHash, sessionEpoch: firstEpoch(), emailVerifiedAt },
    update: { role: 'admin', passwordHash, sessionEpoch: { increment: 1 }, emailVerifiedAt }
  })
  return true
}
