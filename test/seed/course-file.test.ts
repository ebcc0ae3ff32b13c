import t from 'tap'
import { parseCourse } from '#seed/course-file.ts'

const front = {
  title: 'SQL: questions to data',
  summary: 'Ask, and understand the answer.',
  level: 'beginner',
  language: 'en',
  category: 'data',
  author: 'marina.orlova'
}

const body = `
What it is about.

For whom: **everybody**.

# First steps

> A table, a row,
> and a column.

## Tables

minutes: 13

A table has rows.

### A heading inside a chapter

\`\`\`sh
# a comment, not a module
## and not a chapter
psql
\`\`\`

The end.

## Rows

minutes: 7

#hashtag is no heading.

# Joins

> Two tables.

## Inner join

minutes: 20

Both sides.
`

const file = (fields: Readonly<Record<string, string>>, text = body) =>
  `---\n${Object.entries(fields)
    .map(([key, value]) => `${key}: ${value}\n`)
    .join('')}---\n${text}`

t.test('a course file becomes a course: front matter, description, modules, chapters', async (t) => {
  const { modules, ...course } = parseCourse('sql', file(front))
  t.strictSame(course, { slug: 'sql', ...front, description: 'What it is about.\n\nFor whom: **everybody**.' })
  t.strictSame(
    modules.map(({ title, summary, chapters }) => ({
      title,
      summary,
      chapters: chapters.map(({ title, minutes }) => [title, minutes])
    })),
    [
      {
        title: 'First steps',
        summary: 'A table, a row,\nand a column.',
        chapters: [
          ['Tables', 13],
          ['Rows', 7]
        ]
      },
      { title: 'Joins', summary: 'Two tables.', chapters: [['Inner join', 20]] }
    ]
  )
})

t.test(
  'the content of a chapter is its Markdown, whole: code with # lines, deeper headings, no minutes line',
  async (t) => {
    const [first, second] = parseCourse('sql', file(front)).modules
    t.equal(
      first?.chapters[0]?.content,
      'A table has rows.\n\n### A heading inside a chapter\n\n' +
        '```sh\n# a comment, not a module\n## and not a chapter\npsql\n```\n\nThe end.'
    )
    t.equal(first?.chapters[1]?.content, '#hashtag is no heading.')
    t.equal(second?.chapters[0]?.content, 'Both sides.')
  }
)

t.test('a key that the front matter lacks is named, with the file', async (t) => {
  for (const missing of Object.keys(front)) {
    const others = Object.entries(front).filter(([key]) => key !== missing)
    const expected = { message: new RegExp(`sql\\.md.*"${missing}"`) }
    t.throws(() => parseCourse('sql', file(Object.fromEntries(others))), expected, `no ${missing}`)
    t.throws(() => parseCourse('sql', file({ ...front, [missing]: '' })), expected, `an empty ${missing}`)
  }
  t.throws(() => parseCourse('sql', body), /sql\.md/, 'no front matter at all')
})

t.test('a chapter without minutes is named', async (t) => {
  for (const line of ['', 'minutes: a few', 'minutes:', 'minutes: 1.5 hours']) {
    const text = body.replace('minutes: 7', line)
    t.throws(() => parseCourse('sql', file(front, text)), /"Rows".*minutes/, `"${line}"`)
  }
})
