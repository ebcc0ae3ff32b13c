import t from 'tap'
import { bothWays } from '../support/both-ways.ts'
import { CoursePage } from '../support/contract.ts'
import { addCourse } from '../support/courses.ts'
import { get, send } from '../support/http.ts'
import { coursesToFind, searches } from '../support/search-table.ts'

/** The number of searches in the table that may fail. */
const MOST_WRONG = 3

bothWays(t, async (t, { app, url }) => {
  const { client } = app.database
  for (const [slug, data] of Object.entries(coursesToFind)) await addCourse(client, { slug, ...data })
  const list = (search: string, more = '') =>
    get(CoursePage, `${url}/api/v1/courses?search=${encodeURIComponent(search)}${more}`)
  const slugs = async (search: string, more = '') => (await list(search, more)).items.map(({ slug }) => slug)

  await t.test('the expected course comes first', async (t) => {
    const wrong: string[] = []
    for (const [search, slug] of searches) {
      const [first] = await slugs(search)
      if (first !== slug) wrong.push(`${search}: ${first}, and not ${slug}`)
    }
    t.comment(`${searches.length - wrong.length} of ${searches.length} searches are right`)
    for (const line of wrong) t.comment(line)
    t.ok(searches.length >= 60)
    t.ok(wrong.length <= MOST_WRONG, wrong.join('; '))
  })

  await t.test('an unknown long word costs no more than a short one', async (t) => {
    const letters = 'щжфгэъцхюы'
    for (let n = 0; n < 4; n++) {
      const word = Array.from({ length: 190 }, (_, i) => letters[(i * 7 + n * 3 + (i >> 3)) % letters.length]).join('')
      const { status, headers } = await send(`${url}/api/v1/courses?search=${encodeURIComponent(word)}`)
      t.equal(status, 200)
      t.ok(Number.parseFloat(headers.get('x-response-time') ?? '') < 1500, `${headers.get('x-response-time')}`)
    }
    const [first] = await slugs('програмированние')
    t.ok(first !== undefined, 'two errors in a word of 16 letters')
  })

  await t.test('matches rank title, summary, description, chapter, regardless of age', async (t) => {
    const word = 'zyzzyva'
    const add = (slug: string, data: object) => addCourse(client, { slug, ...data })
    await add('in-title', { title: `The ${word}` })
    await add('in-summary', { summary: `About the ${word}.` })
    await add('in-description', { description: `A **${word}** is a beetle.` })
    const { chapterId } = await add('in-chapter', {})
    const content = `${'Text. '.repeat(200)}\n\nOnly here: the ${word}s\nof the south.`
    await client.chapter.update({ where: { id: chapterId }, data: { content } })
    await add('nowhere', { title: 'Nothing', status: 'published' })
    await add('draft-of-it', { title: word, status: 'draft' })
    t.same(await slugs(word), ['in-title', 'in-summary', 'in-description', 'in-chapter'])
    t.same(await slugs(word, '&sort=relevance'), await slugs(word))
    t.same(await slugs(word, '&sort=-createdAt'), ['in-chapter', 'in-description', 'in-summary', 'in-title'])
    t.same(await slugs(word, '&sort=createdAt&page=2&limit=3'), ['in-chapter'])
    t.same((await list(word, '&page=9')).total, 4, 'a page past the end has the total')
    const marked = (await list(word)).items.map(({ highlight }) => [
      highlight?.field,
      highlight?.parts.map(({ text, found }) => (found ? `[${text}]` : text)).join('')
    ])
    t.same(marked, [
      ['title', 'The [zyzzyva]'],
      ['summary', 'About the [zyzzyva].'],
      ['description', 'A **[zyzzyva]** is a beetle.'],
      ['chapter', '… Text. Text. Text. Text. Text. Text. Text. Only here: the [zyzzyvas] of the south.']
    ])
    const { items } = await get(CoursePage, `${url}/api/v1/courses`)
    t.notOk(
      items.some((item) => 'highlight' in item),
      'a list without a search has no highlights'
    )
  })

  await t.test('a prefix of three letters matches as the last word; an infix does not', async (t) => {
    t.equal((await slugs('typesc'))[0], 'typescript-in-practice')
    t.equal((await slugs('practice typesc'))[0], 'typescript-in-practice')
    for (const search of ['ypescr', 'ty']) t.notOk((await slugs(search)).includes('typescript-in-practice'), search)
    t.same(
      (await list('c+++zz')).total,
      0,
      'an unmatched search is not converted to a single letter of the other keyboard layout'
    )
  })

  await t.test('filters apply, and excluded matches do not trigger typo correction', async (t) => {
    t.same(await slugs('python', '&language=EN&level=beginner&category=programming'), ['python-from-zero'])
    t.same((await list('spanish', '&language=ru')).total, 0)
    t.same((await list('python', '&category=no-such')).total, 0)
    const author = (await list('python')).items[0]?.author.id
    t.ok((await slugs('python', `&author=${author}`)).includes('python-from-zero'))
    t.same((await list('python', '&author=999999')).total, 0)
  })

  await t.test('the pages of a search contain every course once, in order', async (t) => {
    const whole = await slugs('the', '&limit=100')
    const most = whole.length > 0 ? whole : await slugs('для', '&limit=100')
    t.ok(most.length > 3)
    for (const sort of ['', '&sort=title', '&sort=-updatedAt', '&sort=relevance']) {
      const search = whole.length > 0 ? 'the' : 'для'
      const expected = await slugs(search, `&limit=100${sort}`)
      const paged: string[] = []
      for (let page = 1; page <= Math.ceil(expected.length / 2); page++)
        paged.push(...(await slugs(search, `&limit=2&page=${page}${sort}`)))
      t.same(paged, expected, sort)
    }
  })

  await t.test('any text is searched for as text, without an error', async (t) => {
    const hostile = [
      ...[
        "'",
        "''",
        '"',
        '\\',
        "\\'",
        '%',
        '_',
        '|',
        '&',
        '!',
        '<->',
        ':*',
        '()',
        "a' | 'b",
        'a & !b',
        "a:*A'",
        '!!',
        '-',
        '--'
      ],
      ...[
        '*',
        ';drop table course',
        '$$',
        '$1',
        '\\x00',
        '😀',
        '²²²',
        '...',
        ' . , ',
        'a'.repeat(200),
        'a '.repeat(100)
      ],
      ...[
        'ж'.repeat(200),
        '\u0301\u0301',
        '\u200d',
        'and or not',
        'the',
        'и',
        "python' & 'zero",
        'İ',
        'ß',
        'ﬁ',
        '1e5 -5 3.14'
      ],
      ...['a@b.example', 'https://a.example/b?c=d', '<b>python</b>', '&amp;', 'ΟΔΟΣ', 'अआइ', '漢字']
    ]
    for (const search of hostile) {
      const { status } = await send(`${url}/api/v1/courses?search=${encodeURIComponent(search)}`)
      t.equal(status, 200, search)
    }
    for (const search of ['%00', 'a%00b', 'a%0Ab', '', 'a'.repeat(201), 'a'.repeat(10_000)])
      t.equal((await send(`${url}/api/v1/courses?search=${search}`)).status, 400, search)
    t.equal((await slugs("zero' | 'python"))[0], 'python-from-zero', 'operators are treated as text')
    for (const signs of ['---', '😀', '<->', "'"]) t.equal((await list(signs)).total, 0, 'punctuation is not a word')
  })

  await t.test('equivalent searches share an entry', async (t) => {
    await list('Английский   язык')
    const same = [' английский язык ', 'АНГЛИЙСКИЙ ЯЗЫК', 'английский язык'.normalize('NFD')]
    for (const search of [...same, 'английский язык&sort=relevance']) {
      const [text, more = ''] = search.split('&')
      const path = `/api/v1/courses?search=${encodeURIComponent(text ?? '')}${more && `&${more}`}`
      t.equal((await send(url + path)).headers.get('x-cache'), 'HIT', search)
    }
  })
})
