/** Why a generation did not complete, for its user: in Russian for a course in Russian, else in English. */
const failures = {
  CANCELLED: {
    en: 'The generation was cancelled. A retry continues from the finished chapters.',
    ru: 'Генерация отменена. Повторный запуск продолжит её с готовых глав.'
  },
  MODEL_UNREACHABLE: {
    en: 'The language model cannot be reached. Retry later: the finished chapters are kept.',
    ru: 'Языковая модель недоступна. Повторите позже: готовые главы сохранены.'
  },
  MODEL_TIMEOUT: {
    en: 'The language model did not answer in time. Retry later: the finished chapters are kept.',
    ru: 'Языковая модель не ответила вовремя. Повторите позже: готовые главы сохранены.'
  },
  MODEL_BUSY: {
    en: 'The language model is busy. Retry in a few minutes: the finished chapters are kept.',
    ru: 'Языковая модель перегружена. Повторите через несколько минут: готовые главы сохранены.'
  },
  MODEL_DOWN: {
    en: 'The language model failed. Retry later: the finished chapters are kept.',
    ru: 'В работе языковой модели произошёл сбой. Повторите позже: готовые главы сохранены.'
  },
  MODEL_MISCONFIGURED: {
    en: 'The language model rejects the settings of this platform. Only its operator can fix this: contact support.',
    ru: 'Языковая модель не принимает настройки платформы. Это может исправить только администратор: напишите в поддержку.'
  },
  MODEL_KEY: {
    en: 'The language model rejects the access key of this platform. Only its operator can fix this: contact support.',
    ru: 'Языковая модель не принимает ключ доступа платформы. Это может исправить только администратор: напишите в поддержку.'
  },
  MODEL_FORBIDDEN: {
    en: 'This platform is not allowed to use the chosen language model. Only its operator can fix this: contact support.',
    ru: 'Платформе не разрешено пользоваться выбранной языковой моделью. Это может исправить только администратор: напишите в поддержку.'
  },
  MODEL_UNPAID: {
    en: "This platform's quota for the language model is used up. Retry once it has been raised: the finished chapters are kept.",
    ru: 'Квота платформы в языковой модели исчерпана. Повторите, когда её увеличат: готовые главы сохранены.'
  },
  MODEL_UNKNOWN: {
    en: 'The language model chosen for this platform does not exist. Only its operator can fix this: contact support.',
    ru: 'Языковой модели, выбранной для платформы, не существует. Это может исправить только администратор: напишите в поддержку.'
  },
  MODEL_TOO_LONG: {
    en: 'The course is too long for the language model. Ask for fewer modules or chapters: the finished chapters are kept.',
    ru: 'Курс слишком велик для языковой модели. Попросите меньше модулей или глав: готовые главы сохранены.'
  },
  MODEL_FILTERED: {
    en: 'The content filter of the language model stopped the text. Choose another topic, or rephrase it.',
    ru: 'Фильтр содержания языковой модели остановил текст. Выберите другую тему или сформулируйте её иначе.'
  },
  MODEL_REFUSED: {
    en: 'The language model refused to write about this topic. Choose another one, or rephrase it.',
    ru: 'Языковая модель отказалась писать на эту тему. Выберите другую или сформулируйте её иначе.'
  },
  MODEL_BAD_ANSWER: {
    en: 'The language model gave no usable text in several attempts. Retry: the finished chapters are kept.',
    ru: 'Языковая модель несколько раз не смогла дать пригодный текст. Повторите: готовые главы сохранены.'
  },
  QUOTA_BYTES: {
    en: 'There is no room for the new text: your account is full. Delete something and retry: what was written is kept.',
    ru: 'Новый текст не помещается: место в вашем аккаунте закончилось. Удалите что-нибудь и повторите: написанное сохранено.'
  },
  CHAPTER_CHANGED: {
    en: 'The chapter was changed while it was being rewritten, so the change was kept. A retry replaces the chapter.',
    ru: 'Пока глава писалась заново, её изменили, и это изменение сохранено. Повторный запуск заменит главу новым текстом.'
  },
  CHAPTER_GONE: {
    en: 'The chapter no longer exists, or you may no longer change it.',
    ru: 'Этой главы больше нет, или вы больше не можете её менять.'
  },
  GAVE_UP: {
    en: 'The service could not finish the generation in several attempts. Retry: the finished chapters are kept.',
    ru: 'Сервис не смог закончить работу после нескольких попыток. Повторите: готовые главы сохранены.'
  }
} as const

export type Failure = keyof typeof failures

export const FAILURES = Object.keys(failures) as Failure[]

export function isFailure(code: string | null): code is Failure {
  return code !== null && code in failures
}

/** The message for the user; `language` is that of the course, such as `ru` or `en-GB`. */
export function failureMessage(failure: Failure, language: string): string {
  return failures[failure][/^ru(-|$)/i.test(language) ? 'ru' : 'en']
}

/** The generation cannot complete. The message is for the log. */
export class GenerationFailure extends Error {
  override readonly name: string = 'GenerationFailure'
  readonly failure: Failure

  constructor(failure: Failure, message: string, options?: ErrorOptions) {
    super(message, options)
    this.failure = failure
  }
}
