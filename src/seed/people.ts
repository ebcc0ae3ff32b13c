/** The categories and authors of the demo catalogue. */

export const categories = [
  {
    slug: 'programming',
    name: 'Programming',
    description: 'Languages, tools and habits of people who write software.'
  },
  { slug: 'data', name: 'Data', description: 'Databases, statistics and machine learning.' },
  {
    slug: 'ai',
    name: 'Artificial intelligence',
    description: 'Neural networks and language models, from the inside and in use.'
  },
  { slug: 'business', name: 'Business', description: 'Products, money and speaking to people.' },
  { slug: 'design', name: 'Design', description: 'Interfaces that people understand, and type they can read.' },
  { slug: 'languages', name: 'Languages', description: 'English for work.' },
  { slug: 'science', name: 'Science', description: 'How the world works, from the kitchen to the galaxies.' }
]

export const authors = [
  {
    handle: 'anna.sokolova',
    name: 'Анна Соколова',
    bio: 'Разработчик и преподаватель: десять лет учу людей их первой программе.'
  },
  {
    handle: 'daniel.weber',
    name: 'Daniel Weber',
    bio: 'Backend engineer. Types, caches and other ways to sleep at night.'
  },
  { handle: 'marina.orlova', name: 'Марина Орлова', bio: 'Аналитик данных. Люблю, когда за числом стоит вопрос.' },
  {
    handle: 'timur.akhmetov',
    name: 'Тимур Ахметов',
    bio: 'Инженер машинного обучения, обучаю модели и тех, кто ими пользуется.'
  },
  {
    handle: 'sofia.lindgren',
    name: 'Sofia Lindgren',
    bio: 'Product designer. I cut what is not needed, then cut again.'
  },
  { handle: 'pavel.kuznetsov', name: 'Павел Кузнецов', bio: 'Финансист и спикер. Объясняю деньги простыми словами.' },
  { handle: 'emma.clarke', name: 'Emma Clarke', bio: 'Teacher of English to engineers, editor of their letters.' },
  { handle: 'lev.gorin', name: 'Лев Горин', bio: 'Физик и популяризатор науки. Опыты на кухне, звёзды за окном.' }
]
