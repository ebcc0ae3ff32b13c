import { connect } from 'node:net'
import t from 'tap'
import { Chance } from '../checks/fuzz/samples.ts'
import { type Actor, draftOf, peopleEnvironment, register } from '../support/actors.ts'
import { Chapter, Course, ErrorBody } from '../support/contract.ts'
import { until } from '../support/eventually.ts'
import { bodyOf, statusOf } from '../support/people.ts'
import { startService } from '../support/service.ts'

const IMPORT = '/api/v1/courses/import'

/** Texts that break formats: headings, fences, markers, front matter, line ends, and the empty text. */
const TEXTS = [
  '',
  '\n',
  '# One\n## Two\n### Three',
  '---\ntitle: "x"\n---',
  '```md\n## Not a module\n```\n~~~',
  '<!-- course:content -->\n<!-- /course:content -->',
  '<!-- /course2:description -->',
  '<a id="course-chapter-1"></a>',
  'Windows\r\nends\r\n',
  'trailing  \n\n\n',
  '\r',
  ' \u2028\u0085\ufeff',
  '> Привет, мир 🎓\n\t- [ ] 日本語',
  '<!-- a comment',
  '{{t}} $1 $& \\n %0A &amp;'
] as const
const TITLES = [
  'A',
  ' # spaces ',
  '## Keys [x](y)',
  'null',
  '"q": \'v\' #',
  '<!-- course:module -->',
  'ИИ 🎓',
  '---'
] as const

async function written(actor: Actor, chance: Chance): Promise<number> {
  const [text, title] = [() => chance.of(TEXTS) + chance.of(TEXTS), () => chance.of(TITLES)]
  const facts = { level: 'advanced', language: chance.of(['ru', 'pt-BR']), categoryId: chance.often(0.5) ? 1 : null }
  const course = { title: title(), summary: title(), description: text(), ...facts }
  const { id } = await bodyOf(Course, await actor.request('POST', '/api/v1/courses', course), 201)
  for (let m = chance.below(3); m >= 0; m--) {
    const made = await actor.request('POST', `/api/v1/courses/${id}/modules`, {
      title: title(),
      summary: chance.of(['', ' ', title()])
    })
    const module = Object(await made.json())
    for (let c = chance.below(3); c > 0; c--) {
      const chapter = { title: title(), content: text(), minutes: 1 + chance.below(600) }
      await actor.request('POST', `/api/v1/courses/${id}/modules/${module.id}/chapters`, chapter)
    }
  }
  return id
}

/** A course without its ids and dates. */
async function whole(actor: Actor, id: number): Promise<object> {
  const course = await bodyOf(Course, await actor.get(`/api/v1/courses/${id}`))
  const { title, summary, description, level, language, category, modules } = course
  const parts = []
  for (const module of modules) {
    const chapters = []
    for (const { id: chapterId } of module.chapters) {
      const chapter = await bodyOf(Chapter, await actor.get(`/api/v1/courses/${id}/chapters/${chapterId}`))
      chapters.push([chapter.title, chapter.minutes, chapter.content])
    }
    parts.push([module.title, module.summary, chapters])
  }
  return { title, summary, description, level, language, category, parts }
}

async function exported(actor: Actor, id: number): Promise<string> {
  const answer = await actor.get(`/api/v1/courses/${id}/export`)
  const text = await answer.text()
  if (answer.status !== 200) throw new Error(`${answer.status}: ${text}`)
  return text
}

t.test('courses as files', async (t) => {
  const { url } = await startService(t, { ...peopleEnvironment, QUOTA_BYTES: '1000000' })
  const ann = await register(url, 'ann')
  const send = (actor: Actor, body: string | Buffer, type = 'text/markdown') =>
    fetch(url + IMPORT, { method: 'POST', headers: { cookie: actor.cookie, 'content-type': type }, body })

  await t.test('an export imports to the same course, whatever text it contains', async (t) => {
    const chance = new Chance(18)
    for (let n = 0; n < 8; n++) {
      const id = await written(ann, chance)
      const file = await exported(ann, id)
      const made = await send(ann, file)
      const copy = await bodyOf(Course, made, 201)
      t.equal(made.headers.get('location'), `/api/v1/courses/${copy.id}`)
      t.equal(copy.status, 'draft')
      t.same(await whole(ann, copy.id), await whole(ann, id))
      // A chapter that contains an export which contains an export.
      if (n % 4 === 0) {
        const module = await ann.request('POST', `/api/v1/courses/${id}/modules`, { title: 'Inside' })
        const { id: moduleId } = Object(await module.json())
        const path = `/api/v1/courses/${id}/modules/${moduleId}/chapters`
        await ann.request('POST', path, { title: 'File', content: file })
        const again = await bodyOf(Course, await send(ann, await exported(ann, id)), 201)
        t.same(await whole(ann, again.id), await whole(ann, id))
      }
    }
  })

  await t.test('an export has a name and stable anchors, and is readable like its course', async (t) => {
    const { id, chapterId } = await draftOf(ann, 'Шахматы: a/b')
    const anchors = async () => (await exported(ann, id)).match(/id="course-[a-z]+-\d+"/g)
    const before = await anchors()
    for (const change of [{ title: 'Renamed' }, { content: 'In this course: SET.\n<!-- course:content -->' }]) {
      await ann.request('PATCH', `/api/v1/courses/${id}/chapters/${chapterId}`, change)
      t.same(await anchors(), before)
    }
    t.match(
      await exported(ann, id),
      '\nmarker: "course2"\n',
      'the marker changes only if the text contains one that looks like it'
    )
    const path = `/api/v1/courses/${id}/export`
    const { headers } = await ann.get(path)
    t.equal(headers.get('content-type'), 'text/markdown; charset=utf-8')
    t.match(
      headers.get('content-disposition'),
      /^attachment; filename="?shakhmaty-a-b-\d+\.md"?; filename\*=UTF-8''%D0%A8/i
    )
    t.equal(headers.get('cache-control'), 'private, no-cache')
    t.equal(await statusOf(ann.get(path, { 'if-none-match': headers.get('etag') ?? '' })), 304)
    t.equal(await statusOf(fetch(url + path)), 404, 'a draft')
    await ann.request('PATCH', `/api/v1/courses/${id}`, { status: 'published' })
    t.match(await (await fetch(url + path)).text(), /\n### Renamed\n/, 'the export is not cached')
  })

  await t.test('a hand-written document with headings imports as a course', async (t) => {
    const lines = [
      [
        '---',
        'language: en',
        'category: data',
        '---',
        '# Redis',
        '',
        'Why, and how.',
        '',
        '## Keys',
        'How to name them.'
      ],
      [
        '### SET and GET',
        '',
        '```',
        '## not a module',
        '```',
        '',
        '#### Deeper',
        '## Empty',
        '## C# ##',
        'A.',
        '',
        'B.'
      ]
    ]
    const text = lines.flat().join('\r\n')
    const { id } = await bodyOf(Course, await send(ann, text), 201)
    const content = '```\r\n## not a module\r\n```\r\n\r\n#### Deeper'
    t.match(await whole(ann, id), {
      title: 'Redis',
      summary: 'Redis',
      description: 'Why, and how.',
      level: 'beginner',
      category: { slug: 'data' },
      parts: [
        ['Keys', 'How to name them.', [['SET and GET', 10, content]]],
        ['Empty', '', []],
        ['C#', '', [['C#', 10, 'A.\r\n\r\nB.']]]
      ]
    })
  })

  await t.test('an invalid file is refused at once, and the message names the line', async (t) => {
    const head = '---\nlanguage: en\n---\n# T\n'
    const marked = '---\nlanguage: en\nmarker: course\n---\n# T\n'
    const bomb = `a: &a [x, x]\n${[...'bcdefghij'].map((c, i) => `${c}: &${c} [${`*${'abcdefghi'[i]},`.repeat(9)}]`).join('\n')}`
    const bad: [string, RegExp][] = [
      ['# T\n', /^line 1: language is missing/],
      ['---\nlanguage: en\n', /^line 1: the front matter does not end/],
      ['---\nlanguage: en\n---\ntext', /^line 1: the title is missing/],
      ['---\nlanguage: en\nlevel: expert\n---\n# T', /^line 3: level must be one of/],
      ['---\nlanguage: en\nauthor: me\n---\n# T', /^line 3: unknown field author/],
      ['---\nlanguage: en\ncategory: none\n---\n# T', /^line 3: category is not the slug of a category/],
      ['---\nlanguage: [en]\n---\n# T', /^line 2: language must be string/],
      ['---\nlanguage: "en\n---\n# T', /^line \d: the front matter is not valid YAML/],
      ['---\nlanguage: en\n...\nlevel: advanced\n---\n# T', /^line 3: this line ends the front matter/],
      [`${head}## M\n### C\na${' '.repeat(150_000)}\u0000b`, /^line 6: content has an invalid format/],
      [`${head}## M\n${`### ${' '.repeat(480)}\u2028\n`.repeat(500)}`, /^line 6: title must/],
      ['\n'.repeat(310_000), /^line 300000: a file may have at most 300000 lines/],
      [`---\n${bomb}\n---\n# T`, /^line \d+: (the front matter has aliases|unknown field)/],
      [`---\nlanguage: ${'['.repeat(16_000)}\n---\n# T`, /^line \d+: /],
      [`---\n${'a: 1\n'.repeat(100_000)}---\n`, /^line 1: the front matter is longer/],
      [`${head}### C`, /^line 5: a chapter before any module/],
      [`${head}## M\n### ${'x'.repeat(201)}\nz`, /^line 6: title must/],
      [`${head}## M\n### C\n${'x'.repeat(200_001)}`, /^line 6: content must/],
      [`${head}## M\n### C\na${'\u0301\u0316'.repeat(60_000)}`, /^line 7: more than 30 combining marks/],
      [`${head}## M\n### C\na\u0000b`, /^line 6: content has an invalid format/],
      [`${head}${'#\n'.repeat(250_000)}`, /^line \d: description must/],
      [`${head}${'## M\n'.repeat(200_000)}`, /^line 105: a course can have at most 100 modules/],
      [`${head}## M\n${'### C\n'.repeat(150_000)}`, /^line \d+: a module can have at most 100 chapters/],
      [`${head}${'`'.repeat(900_000)}`, /description must/],
      [`${marked}<!-- course:description -->\nx`, /^line 6: the end marker of this is missing/],
      [
        `${marked}<!-- course:description -->\nx\n<!-- course:module -->\n## M\n<!-- /course:description -->`,
        /^line 6: the end/
      ],
      [`${marked}lost`, /^line 6: this text is outside the markers/],
      [`${marked}<!-- course:module -->\ntext`, /^line 6: after this line, the title is missing/],
      [`${marked}${'<!-- course:module -->\n'.repeat(40_000)}`, /^line 6: /]
    ]
    for (const [text, message] of bad) {
      const answer = await bodyOf(ErrorBody, await send(ann, text), 400)
      t.match(answer, { code: 'VALIDATION_FAILED', message })
    }
    t.equal((await bodyOf(ErrorBody, await send(ann, Buffer.from([0x23, 0xff])), 400)).code, 'MALFORMED_BODY')
    for (const type of ['application/json', 'text/plain', 'text/markdown; charset=windows-1251'])
      t.equal((await bodyOf(ErrorBody, await send(ann, '# T', type), 415)).code, 'NOT_MARKDOWN')
    t.equal(await statusOf(send(ann, '')), 400)
    t.equal(await statusOf(send(ann, Buffer.alloc(2_200_000, 'x'))), 413)
    const large = `${head}## M\n${`### C\n${'x'.repeat(199_000)}\n`.repeat(6)}`
    t.equal((await bodyOf(ErrorBody, await send(ann, large), 409)).code, 'QUOTA_BYTES')
  })

  await t.test('the accounts of one network cannot use up all import slots', async (t) => {
    const begin = async (name: string) => {
      const { cookie } = await register(url, name)
      const socket = connect(Number(new URL(url).port), '127.0.0.1')
      t.teardown(() => socket.destroy())
      const head = [`POST ${IMPORT} HTTP/1.1`, 'Host: x', `Cookie: ${cookie}`, 'Content-Type: text/markdown']
      socket.write(`${head.join('\r\n')}\r\nContent-Length: 1000\r\n\r\n#`)
    }
    for (let n = 0; n < 4; n++) await begin(`importer-${n}`)
    const fifth = await register(url, 'importer-4')
    let answer = await fifth.get('/api/v1/courses/1/export')
    await until(async () => {
      answer = await fifth.get('/api/v1/courses/1/export')
      return answer.status === 429
    }, 4000)
    t.match(await bodyOf(ErrorBody, answer, 429), {
      code: 'TOO_MANY_TRANSFERS',
      message: /at most 4 exports and imports/
    })
  })
})
