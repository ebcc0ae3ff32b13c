import type { RenderedLetter } from './render.ts'

export interface OutgoingMail extends RenderedLetter {
  readonly to: string
  readonly language: string
}

/** The mail server refused this letter permanently. */
export class RefusedError extends Error {
  override readonly name = 'RefusedError'
}
