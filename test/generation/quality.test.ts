import t from 'tap'
import { problemsOf } from '#generation/model/quality.ts'

const english = 'Some words about the matter of this chapter, in whole sentences. '.repeat(8)
const russian = 'Несколько слов о том, чему эта глава учит, целыми предложениями. '.repeat(8)
const uzbek = 'Бу бобда нима ҳақида гап кетиши тўлиқ жумлалар билан ёзилган. '.repeat(8)
const serbian = 'Ovo poglavlje govori o svemu što treba da znate, celim rečenicama. '.repeat(8)
const problems = (content: string, language = 'en') => problemsOf({ minutes: 5, content }, language, [])

t.test('good chapters are not requested twice', async (t) => {
  const good: Record<string, [content: string, language?: string]> = {
    'a fence in a list': [
      `${english}\n\n1. \`\`\`sh\n   ls\n   \`\`\`\n2. Done.\n- ~~~\n  x\n  ~~~\n\n> \`\`\`\n> a\n> \`\`\``
    ],
    'code in a line': [`${english}\n\n\`\`\`npm run\`\`\`\n\n${english}`],
    'mostly code': [`Read it.\n\n\`\`\`js\n${'const value = compute(input)\n'.repeat(60)}\`\`\``],
    'names of tools in Russian': [`${russian}\n\n${'Kubernetes Prometheus Grafana Terraform '.repeat(40)}`, 'ru'],
    'Serbian in Latin': [serbian, 'sr'],
    'Uzbek in Cyrillic': [uzbek, 'uz'],
    'a certain opening': [`Certainly, cooking is an art. ${english}`],
    'what is learnt': [`Here's what you will learn in this chapter. ${english}`],
    'a template of a letter': [`${english}\n\nDear [your name], ... Yours, [your company]`],
    typography: [`${english}\n\nLorem ipsum dolor sit amet.`],
    'about thoughts': [`${english} A model writes <think> first, then </think>.`]
  }
  for (const [name, [content, language]] of Object.entries(good)) t.same(problems(content, language), [], name)
})

t.test('bad chapters are requested again', async (t) => {
  const bad: Record<string, [content: string, told: RegExp, language?: string]> = {
    'Latin where Cyrillic was asked for': [serbian, /not in the requested language/, 'sr-Cyrl'],
    'English for Uzbek in Arabic': [english, /not in the requested language/, 'uz-Arab'],
    'an open fence in a list': [`${english}\n\n1. \`\`\`sh\n   ls`, /not closed/],
    'words of an assistant': [`Sure! Here is the chapter:\n\n${english}`, /do not belong to the chapter: "Sure/],
    'the form': [`${english}\n"minutes": 12, "content": "..."`, /do not belong to the chapter/],
    'two signs': [`As an AI language model I can not. [Insert example here] ${english}`, /do not belong/]
  }
  for (const [name, [content, told, language]] of Object.entries(bad))
    t.match(problems(content, language), [told], name)
})
