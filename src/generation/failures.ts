/** Why a generation has not come to its end: for whoever asked for it, in the language of the course where that is Russian, else in English. */
const failures = {
  CANCELLED: {
    en: 'The generation was cancelled. A retry goes on from the chapters that are finished.',
    ru: 'Генерация отменена. Повтор продолжит с уже готовых глав.'
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
    en: 'The language model is busy. Retry in some minutes: the finished chapters are kept.',
    ru: 'Языковая модель перегружена. Повторите через несколько минут: готовые главы сохранены.'
  },
  MODEL_DOWN: {
    en: 'The language model failed. Retry later: the finished chapters are kept.',
    ru: 'В работе языковой модели произошёл сбой. Повторите позже: готовые главы сохранены.'
  },
  MODEL_MISCONFIGURED: {
    en: 'The language model does not accept the settings of this platform. Its operator has to look: write to support.',
    ru: 'Языковая модель не принимает настройки платформы. Это может исправить только администратор: напишите в поддержку.'
  },
  MODEL_KEY: {
    en: 'The language model does not accept the access key of this platform. Its operator has to look: write to support.',
    ru: 'Языковая модель не принимает ключ доступа платформы. Это может исправить только администратор: напишите в поддержку.'
  },
  MODEL_FORBIDDEN: {
    en: 'This platform may not use the language model that it is set to. Its operator has to look: write to support.',
    ru: 'Платформе не разрешено пользоваться выбранной языковой моделью. Это может исправить только администратор: напишите в поддержку.'
  },
  MODEL_UNPAID: {
    en: 'The quota of this platform at the language model is used up. Retry when it was raised: the finished chapters are kept.',
    ru: 'Квота платформы в языковой модели исчерпана. Повторите, когда её увеличат: готовые главы сохранены.'
  },
  MODEL_UNKNOWN: {
    en: 'The language model that this platform is set to does not exist. Its operator has to look: write to support.',
    ru: 'Языковой модели, выбранной для платформы, не существует. Это может исправить только администратор: напишите в поддержку.'
  },
  MODEL_TOO_LONG: {
    en: 'The course is too long for the language model. Ask for fewer modules, or shorter ones: the finished chapters are kept.',
    ru: 'Курс слишком велик для языковой модели. Попросите меньше модулей или глав: готовые главы сохранены.'
  },
  MODEL_FILTERED: {
    en: 'The content filter of the language model stopped the text. Ask for another topic, or say it in other words.',
    ru: 'Фильтр содержания языковой модели остановил текст. Выберите другую тему или сформулируйте её иначе.'
  },
  MODEL_REFUSED: {
    en: 'The language model refused to write about this topic. Ask for another one, or say it in other words.',
    ru: 'Языковая модель отказалась писать на эту тему. Выберите другую или сформулируйте её иначе.'
  },
  MODEL_BAD_ANSWER: {
    en: 'The language model gave no usable text, though it was asked several times. Retry: the finished chapters are kept.',
    ru: 'Языковая модель несколько раз не смогла дать пригодный текст. Повторите: готовые главы сохранены.'
  },
  QUOTA_BYTES: {
    en: 'The new text does not fit: the account may keep no more. Delete something, then retry: what was written is kept.',
    ru: 'Новый текст не помещается: место в вашем аккаунте закончилось. Удалите что-нибудь и повторите: написанное сохранено.'
  },
  CHAPTER_CHANGED: {
    en: 'The chapter was changed while it was written again, so your change was left as it is. A retry replaces it.',
    ru: 'Пока глава писалась заново, её изменили, и это изменение сохранено. Повтор заменит главу новым текстом.'
  },
  CHAPTER_GONE: {
    en: 'The chapter is not there any more, or is not yours to change.',
    ru: 'Этой главы больше нет, или вы больше не можете её менять.'
  },
  GAVE_UP: {
    en: 'The service could not finish it, and gave up after several attempts. Retry: the finished chapters are kept.',
    ru: 'Сервис не смог закончить работу после нескольких попыток. Повторите: готовые главы сохранены.'
  }
} as const

export type Failure = keyof typeof failures

export const FAILURES = Object.keys(failures) as Failure[]

export function isFailure(code: string | null): code is Failure {
  return code !== null && code in failures
}

/** The failure in words; `language` is that of the course, as `ru` or `en-GB`. */
export function inWords(failure: Failure, language: string): string {
  return failures[failure][/^ru(-|$)/i.test(language) ? 'ru' : 'en']
}

/** A generation that cannot come to its end. The message is for the log. */
export class GenerationFailure extends Error {
  override readonly name: string = 'GenerationFailure'
  readonly failure: Failure

  constructor(failure: Failure, message: string, options?: ErrorOptions) {
    super(message, options)
    this.failure = failure
  }
}
