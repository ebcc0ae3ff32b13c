import { randomBytes } from 'node:crypto'
import { hash, verify } from '@node-rs/argon2'
import type { Config } from '#config/config.ts'
import type { PrismaClient } from '#database/generated/client.ts'
import type { Log } from '#logging/log.ts'
import { normalize, storedForms } from '#mail/address.ts'
import { firstEpoch } from './first-epoch.ts'

const DEMO_EMAIL = 'admin@aikademiya.local'

/**
 * Creates the configured admin, or gives the account that e-mail has the configured password and role.
 * A demo catalogue that was just seeded, with no admin configured, gets one with a random password, logged once.
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
      'admin account set to ADMIN_PASSWORD: without the variable it keeps one of its own'
    )
  } else if (seeded) {
    const password = randomBytes(12).toString('base64url')
    await setAdmin(client, DEMO_EMAIL, password)
    log.warn({ email: DEMO_EMAIL }, `demo admin created, shown this once: ${DEMO_EMAIL} / ${password}`)
  }
}

/** Resolves to false when the account was there, with that password and role, already. */
async function setAdmin(client: PrismaClient, address: string, password: string): Promise<boolean> {
  const user = await client.user.findFirst({ where: { email: { in: storedForms(address) } } })
  const email = user?.email ?? normalize(address)
  if (user?.role === 'admin' && (await verify(user.passwordHash, password).catch(() => false))) return false
  const passwordHash = await hash(password)
  // The operator says whose it is.
  const emailVerifiedAt = new Date()
  await client.user.upsert({
    where: { email },
    create: { email, name: 'Administrator', role: 'admin', passwordHash, sessionEpoch: firstEpoch(), emailVerifiedAt },
    update: { role: 'admin', passwordHash, sessionEpoch: { increment: 1 }, emailVerifiedAt }
  })
  return true
}
