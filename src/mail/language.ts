import Negotiator from 'negotiator'

export const languages = ['en', 'ru'] as const
export type Language = (typeof languages)[number]

/** The language for letters by `Accept-Language`: whichever of Russian and English is preferred, else English. */
export function languageOf(header?: string): Language {
  const preferred = new Negotiator({ headers: { 'accept-language': header } }).language(languages)
  return languages.find((language) => language === preferred) ?? 'en'
}
