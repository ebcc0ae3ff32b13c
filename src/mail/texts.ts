import type { Language } from './language.ts'
import type { LetterKind } from './letters.ts'

/** The text of a letter. It contains no user input, so that nobody can send their own words to strangers through us. */
export interface LetterText {
  readonly subject: string
  /** Before the link. */
  readonly intro: string
  /** The label of the link; null if there is none. */
  readonly action: string | null
  /** After the link. */
  readonly outro: string
}

export const texts: Readonly<Record<Language, Readonly<Record<LetterKind, LetterText>>>> = {
  en: {
    password_reset: {
      subject: 'Set a new password',
      intro: 'Somebody asked for a new password for your account at AI Akademiya. If it was you, set one here:',
      action: 'Set a new password',
      outro:
        'The link works once and expires in an hour. The new password signs you out everywhere and revokes your access tokens. ' +
        'If it was not you, ignore this letter: nothing has changed.'
    },
    email_verification: {
      subject: 'Confirm your e-mail address',
      intro: 'This address was entered for an account at AI Akademiya. If the account is yours, confirm the address:',
      action: 'Confirm the address',
      outro: 'The link works once and expires in a day. If the account is not yours, ignore this letter.'
    },
    email_change: {
      subject: 'Confirm your new e-mail address',
      intro:
        'The owner of an account at AI Akademiya wants to use this e-mail address from now on. If that is you, confirm the change:',
      action: 'Confirm the new address',
      outro:
        'The link works once and expires in a day. Until you confirm, the old address stays in use. If it was not you, ignore this letter.'
    },
    email_change_notice: {
      subject: 'Your e-mail address is about to change',
      intro:
        'Somebody who knows your password asked to change the e-mail address of your account at AI Akademiya. ' +
        'It changes once the new address is confirmed.',
      action: null,
      outro: 'If it was not you, change your password now: that cancels the change.'
    }
  },
  ru: {
    password_reset: {
      subject: 'Новый пароль',
      intro:
        'Кто-то запросил новый пароль для вашей учётной записи в AI Akademiya. Если это были вы, задайте его здесь:',
      action: 'Задать новый пароль',
      outro:
        'Ссылка одноразовая и действует в течение часа. С новым паролем вы выйдете из системы на всех устройствах, а токены доступа ' +
        'будут отозваны. Если это были не вы, проигнорируйте это письмо: ничего не изменилось.'
    },
    email_verification: {
      subject: 'Подтвердите адрес электронной почты',
      intro: 'Этот адрес указан для учётной записи в AI Akademiya. Если она ваша, подтвердите адрес:',
      action: 'Подтвердить адрес',
      outro: 'Ссылка одноразовая и действует в течение суток. Если учётная запись не ваша, проигнорируйте это письмо.'
    },
    email_change: {
      subject: 'Подтвердите новый адрес электронной почты',
      intro: 'Учётную запись в AI Akademiya хотят перевести на этот адрес. Если она ваша, подтвердите замену:',
      action: 'Подтвердить новый адрес',
      outro:
        'Ссылка одноразовая и действует в течение суток. До подтверждения остаётся прежний адрес. Если это были не вы, проигнорируйте ' +
        'это письмо.'
    },
    email_change_notice: {
      subject: 'Адрес электронной почты скоро изменится',
      intro:
        'Кто-то, кому известен ваш пароль, попросил заменить адрес электронной почты вашей учётной записи в AI Akademiya. Адрес ' +
        'изменится, когда новый будет подтверждён.',
      action: null,
      outro: 'Если это были не вы, сейчас же смените пароль: это отменит замену.'
    }
  }
}
