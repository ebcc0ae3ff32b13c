export const languages = ['ru', 'en'] as const
export type Language = (typeof languages)[number]

/** Of more ranges the rest is not looked at. */
const MAX_RANGES = 20

/** The language of letters that an `Accept-Language` header asks for: Russian or English, whichever it likes better; else English. */
export function languageOf(header = ''): Language {
  const ranges = header.split(',', MAX_RANGES).map((range) => {
    const [tag = '', ...parameters] = range.split(';').map((part) => part.trim().toLowerCase())
    const quality = parameters.find((parameter) => parameter.startsWith('q='))
    return { tag: tag.split('-')[0], quality: quality === undefined ? 1 : Number(quality.slice(2)) || 0 }
  })
  const liked = ranges.filter(({ quality }) => quality > 0).sort((a, b) => b.quality - a.quality)
  for (const { tag } of liked) {
    const found = languages.find((language) => language === tag)
    if (found !== undefined) return found
  }
  return 'en'
}
