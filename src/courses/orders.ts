import { Prisma } from '#database/generated/client.ts'

/** The id breaks ties, so that no course is on two pages. */
export const orders = {
  '-createdAt': Prisma.sql`created_at desc, id desc`,
  createdAt: Prisma.sql`created_at, id`,
  title: Prisma.sql`title, id`,
  '-updatedAt': Prisma.sql`updated_at desc, id desc`
}
