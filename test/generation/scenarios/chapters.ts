import { only, refuse, type Scenario, say, send, sendAsAsked } from './scenario.ts'

const changed = (change: (content: string) => string) => (good: string) => {
  const chapter: { minutes: number; content: string } = JSON.parse(good)
  return JSON.stringify({ ...chapter, content: change(chapter.content) })
}
/** Changes the first answer for a chapter, but not the one after its problem was described. */
const once = (change: (content: string) => string) =>
  only(
    '1.1',
    say((good, { messages }) => (messages.length > 3 ? good : changed(change)(good)))
  )
const bad = (name: string, change: (content: string) => string, more: Partial<Scenario> = {}): Scenario => ({
  name,
  calls: 4,
  needed: 2,
  outcome: 'course',
  serve: once(change),
  ...more
})

/** Bad chapters, each requested again once, with a description of the problem. */
export const chapters: readonly Scenario[] = [
  bad('a chapter in another language', () => 'English all over. '.repeat(40), { language: 'ru' }),
  bad('a chapter that is too short', () => '## Short\n\nThat is all.'),
  bad('an unclosed code fence in a chapter', (content) => `${content}\n\n\`\`\`js\nlet a = 1`),
  bad('phrases of an assistant', (content) => `Sure, here is the chapter.\n\n${content}`),
  bad('leftovers of a prompt', (content) => `${content}\n\n<|im_end|>`),
  bad('a blank chapter', () => '   '),
  {
    name: 'a chapter that is too short twice is accepted',
    calls: 4,
    needed: 2,
    outcome: 'course',
    serve: only('1.1', say(changed(() => '## Short\n\nThat is all.')))
  },
  ...(
    [
      ['its improvement is refused', refuse(() => true, 403, 'no'), 4],
      ['its improvement fails (503)', refuse(() => true, 503, 'overloaded'), 6],
      ['the model refuses to improve it', say(() => "I'm sorry, I can't help with that."), 4],
      [
        'its improvement is always truncated',
        send((response, good, question) =>
          sendAsAsked(response, good.slice(0, 40), question, { finish_reason: 'length' })
        ),
        7
      ]
    ] as const
  ).map(([why, serve, calls]) => ({
    name: `a short chapter is accepted if ${why}`,
    calls,
    needed: calls - 2,
    outcome: 'course' as const,
    serve: only('1.1', () => {
      const improvement = serve()
      return (question, response) =>
        question.messages.length > 3
          ? improvement(question, response)
          : changed(() => '## Short\n\nThat is all.')(question.good)
    })
  })),
  {
    name: 'a chapter that is blank twice is not accepted',
    calls: 4,
    needed: 2,
    outcome: 'MODEL_BAD_ANSWER',
    told: /an empty chapter/,
    serve: only('1.1', say(changed(() => '   ')))
  },
  {
    name: 'wrong heading levels, CRLF, a title and a fence are fixed without a request',
    calls: 3,
    outcome: 'course',
    serve: say((good, { what }) =>
      what === 'outline'
        ? good
        : changed((content) => `\`\`\`markdown\r\n# Title\r\n\r\n#### ${what}\r\n\r\n${content}\r\n\`\`\``)(good)
    )
  },
  {
    name: 'two identical chapters',
    calls: 4,
    needed: 2,
    outcome: 'course',
    serve: say((good, { what, messages }) =>
      what === 'outline' || messages.length > 3 ? good : good.replaceAll(/1\.\d/g, 'One')
    )
  }
]
