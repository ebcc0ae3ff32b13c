import Negotiator from 'negotiator'

export const languages = ['en', 'ru'] as const
export type Language = (typeof languages)[number]

/** The language of letters that an `Accept-Language` header asks for: Russian or English, whichever it likes better; else English. */
export function languageOf(header?: string): Language {
  const preferred = new Negotiator({ headers: { 'accept-language': header } }).language(languages)
  return languages.find((language) => language === preferred) ?? 'en'
}
