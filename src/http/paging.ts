import type { TObject, TProperties, TSchema } from 'typebox'
import { Type } from 'typebox'

/** The query parameters of every list. The bound on `page` keeps the offset within the database's integers. */
export const pageQuery = {
  page: Type.Integer({ minimum: 1, maximum: 1_000_000, default: 1, description: 'from 1' }),
  limit: Type.Integer({ minimum: 1, maximum: 100, default: 20, description: 'items per page' })
}

/** A query string with these parameters and no others. */
export function queryOf<T extends TProperties>(properties: T): TObject<T> {
  // Parameters with a default are present after validation, but clients may omit them.
  const required = Object.keys(properties).filter((name) => {
    const property = properties[name]
    return property !== undefined && !Type.IsOptional(property) && !('default' in property)
  })
  return Type.Object(properties, { additionalProperties: false, required })
}

/** No query parameters at all. */
export const noQuery = queryOf({})

/** One page of a list; `title` is its name in OpenAPI. */
export function pageOf<T extends TSchema>(item: T, title: string) {
  return Type.Object(
    {
      items: Type.Array(item),
      page: Type.Integer(),
      limit: Type.Integer(),
      total: Type.Integer(),
      pages: Type.Integer()
    },
    { title }
  )
}

export interface Page<T> {
  items: T[]
  page: number
  limit: number
  total: number
  pages: number
}

export function toPage<T>(items: T[], total: number, { page, limit }: { page: number; limit: number }): Page<T> {
  return { items, page, limit, total, pages: Math.ceil(total / limit) }
}
