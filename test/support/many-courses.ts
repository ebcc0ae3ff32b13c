import pg from 'pg'

const AUTHORS = 500
/** Every tenth course has chapters. */
const WITH_CHAPTERS = 10

/**
 * Fills a migrated PostgreSQL database with `count` published courses of plausible words, half in Russian, half in
 * English, with categories, authors, modules, and chapters for some of them. The courses are the same each time.
 * 100,000 take seconds, because no triggers run; the tags of the lists are left in the outbox. The role must be a
 * superuser.
 */
export async function insertCourses(databaseUrl: string, count: number): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl })
  await client.connect()
  try {
    await client.query('begin')
    await client.query('set local session_replication_role = replica')
    await client.query(USERS, [AUTHORS])
    await client.query(CATEGORIES, [Object.keys(categories), Object.values(categories)])
    await client.query('create temp table made (like course including defaults) on commit drop')
    // Intermediate rows take no ids, so the ids of the courses are consecutive.
    await client.query('alter table made alter id drop default, alter id drop not null')
    for (const [language, { subjects, aspects, audiences, openings }] of Object.entries(vocabularies)) {
      await client.query(COURSES, [count, language, subjects, aspects, audiences, openings])
    }
    await client.query(IN_ORDER)
    await client.query(MODULES)
    await client.query(CHAPTERS, [WITH_CHAPTERS])
    await fillSearch(client)
    await client.query(`select cache_touch('courses', 'categories')`)
    await client.query('commit')
    await client.query('vacuum analyze')
  } finally {
    await client.end()
  }
}

/** Building indexes is faster than filling them. */
async function fillSearch(client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ name: string; definition: string }>(
    `select indexname as name, indexdef as definition from pg_indexes where tablename = 'course_search' and indexdef ~ 'gin'`
  )
  for (const { name } of rows) await client.query(`drop index ${name}`)
  await client.query(`select search_fill(array(select id from course where slug like 'many-%'))`)
  for (const { definition } of rows) await client.query(definition)
}

const USERS = `insert into app_user (email, password_hash, name, role)
  select 'author-' || i || '@many.example', '!', 'Author ' || i, 'author' from generate_series(1, $1::int) as i`

const CATEGORIES = `insert into category (slug, name)
  select * from unnest($1::text[], $2::text[]) on conflict (slug) do nothing`

/** The element of a list that a hash of the course and of the place in its text selects. */
function pick(list: string, place: number): string {
  return `(${list})[1 + mod(hashint8extended(i, ${place}) & 1048575, cardinality(${list}))]`
}

/** The number of the course is a part of its title, so that a search can find one of them. */
const COURSES = `insert into made
    (slug, title, summary, description, level, language, status, category_id, author_id, created_at, updated_at)
  select 'many-' || $2 || '-' || i,
    ${pick('$3::text[]', 1)} || ': ' || ${pick('$4::text[]', 2)} || ' ' || ${pick('$5::text[]', 3)} || ' ' || i,
    ${pick('$6::text[]', 4)} || ' ' || ${pick('$4::text[]', 5)} || ', ' || ${pick('$4::text[]', 6)} || ' ' ||
      ${pick('$5::text[]', 7)} || '. ' || ${pick('$6::text[]', 8)} || ' ' || ${pick('$4::text[]', 9)} || '.',
    '', ${pick('enum_range(null::level)', 10)}, $2, 'published', ${pick('categories', 11)}, ${pick('authors', 12)},
    now() - i * interval '1 minute',
    now() - mod(hashint8extended(i, 13) & 1048575, 100000) * interval '1 minute'
  from generate_series(1::bigint, $1::bigint) as i,
    (select array_agg(id order by id) as categories from category),
    (select array_agg(id order by id) as authors from app_user where email like '%@many.example')
  where (mod(i, 2) = 0) = ($2 = 'ru')`

/** The languages alternate, and newer courses have higher ids. */
const IN_ORDER = `insert into course
    (slug, title, summary, description, level, language, status, category_id, author_id, created_at, updated_at)
  select slug, title, summary, description, level, language, status, category_id, author_id, created_at, updated_at
  from made order by created_at`

const MODULES = `insert into module (course_id, title, summary, position)
  select course.id, case course.language when 'ru' then 'Модуль ' else 'Module ' end || position, '', position
  from course, generate_series(1, 1 + mod(course.id, 3)) as position where course.slug like 'many-%'`

const CHAPTERS = `insert into chapter (course_id, module_id, title, content, minutes, position)
  select module.course_id, module.id, module.title || ', ' || n, repeat(course.summary || E'\\n\\n', 5), 10, n
  from module join course on course.id = module.course_id, generate_series(1, 3) as n
  where course.slug like 'many-%' and mod(course.id, $1::int) = 0`

const categories = {
  programming: 'Программирование',
  'data-science': 'Анализ данных',
  design: 'Дизайн',
  languages: 'Языки',
  mathematics: 'Математика',
  business: 'Бизнес',
  history: 'История',
  music: 'Музыка',
  health: 'Здоровье',
  law: 'Право'
}

const vocabularies = {
  ru: {
    subjects: [
      ...['Машинное обучение', 'Нейронные сети', 'Линейная алгебра', 'Теория вероятностей', 'Математический анализ'],
      ...['Программирование на Python', 'Веб-разработка', 'Базы данных', 'Компьютерное зрение', 'Обработка текстов'],
      ...['Английский язык', 'Немецкий язык', 'История России', 'Всемирная история', 'Философия', 'Психология общения'],
      ...['Финансовая грамотность', 'Управление проектами', 'Маркетинг', 'Бухгалтерский учёт', 'Трудовое право'],
      ...['Графический дизайн', 'Рисунок и живопись', 'Теория музыки', 'Игра на гитаре', 'Здоровое питание'],
      ...['Органическая химия', 'Молекулярная биология', 'Физика для всех', 'Астрономия', 'География', 'Экология']
    ],
    aspects: [
      ...['основы', 'практика', 'первые шаги', 'сложные случаи', 'разбор ошибок', 'задачи с решениями', 'проекты'],
      ...['приёмы работы', 'теория', 'инструменты', 'подготовка к экзамену', 'подготовка к собеседованию', 'история'],
      ...['примеры из жизни', 'упражнения на каждый день', 'современные методы', 'анализ данных', 'автоматизация']
    ],
    audiences: [
      ...['для начинающих', 'для школьников', 'для студентов', 'для инженеров', 'для учителей', 'для аналитиков'],
      ...['для руководителей', 'для родителей', 'для врачей', 'для всех', 'с нуля', 'за месяц', 'без математики']
    ],
    openings: [
      'Вы изучите:',
      'В курсе разобраны',
      'Шаг за шагом:',
      'Вы научитесь применять',
      'Коротко и ясно:',
      'Внутри:'
    ]
  },
  en: {
    subjects: [
      ...['Machine learning', 'Neural networks', 'Linear algebra', 'Probability theory', 'Calculus', 'Statistics'],
      ...['Programming in Python', 'Web development', 'Databases', 'Computer vision', 'Natural language processing'],
      ...['English grammar', 'German', 'World history', 'Philosophy', 'Psychology of learning', 'Personal finance'],
      ...['Project management', 'Marketing', 'Accounting', 'Labour law', 'Graphic design', 'Drawing', 'Music theory'],
      ...[
        'Playing the guitar',
        'Nutrition',
        'Organic chemistry',
        'Molecular biology',
        'Physics',
        'Astronomy',
        'Ecology'
      ]
    ],
    aspects: [
      ...['foundations', 'practice', 'first steps', 'hard cases', 'common mistakes', 'solved problems', 'projects'],
      ...['techniques', 'theory', 'tools', 'exam preparation', 'interview preparation', 'history', 'case studies'],
      ...['daily exercises', 'modern methods', 'data analysis', 'automation', 'experiments', 'design patterns']
    ],
    audiences: [
      ...[
        'for beginners',
        'for schools',
        'for students',
        'for engineers',
        'for teachers',
        'for analysts',
        'for parents'
      ],
      ...['for managers', 'for doctors', 'for everyone', 'from scratch', 'in a month', 'without mathematics']
    ],
    openings: ['You will learn', 'This course covers', 'Step by step:', 'Learn to apply', 'Short and clear:', 'Inside:']
  }
}
