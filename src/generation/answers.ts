import { type Static, Type } from 'typebox'
import { block, line, optionalLine } from '#http/text.ts'

/** The shapes of a model's answers. Unknown fields are refused. */
const exact = { additionalProperties: false }

const MAX_CHAPTER_CHARACTERS = 50_000

/** The plan of a course: exactly `modules` modules of exactly `chaptersPerModule` chapters each. */
export function outlineSchema(modules: number, chaptersPerModule: number) {
  const chapter = Type.Object({ title: line(200) }, exact)
  const chapters = Type.Array(chapter, { minItems: chaptersPerModule, maxItems: chaptersPerModule })
  const module = Type.Object({ title: line(200), summary: optionalLine(500), chapters }, exact)
  return Type.Object(
    {
      title: line(200),
      summary: line(500),
      description: block(20_000, 'Markdown: what the course is about and for whom'),
      modules: Type.Array(module, { minItems: modules, maxItems: modules })
    },
    exact
  )
}

/** One chapter; its title comes from the outline. */
export const ChapterText = Type.Object(
  {
    minutes: Type.Integer({ minimum: 1, maximum: 600, description: 'how long it takes to read and to do' }),
    content: Type.String({ ...block(MAX_CHAPTER_CHARACTERS, 'Markdown'), minLength: 1 })
  },
  exact
)

export type Outline = Static<ReturnType<typeof outlineSchema>>
export type ChapterText = Static<typeof ChapterText>
