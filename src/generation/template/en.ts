import type { Texts } from './texts.ts'

/** The English texts. */
export const en: Texts = {
  words: {
    objectives: 'What you will be able to do',
    afterwards: 'After this chapter you can answer for yourself:',
    explanation: 'Explanation',
    example: 'An example',
    checklist: 'Checklist',
    exercises: 'Exercises',
    quiz: 'Check yourself',
    answers: 'Answers',
    audience: 'For whom',
    modules: 'What is in it'
  },
  levels: {
    beginner: {
      title: '{t}: first steps',
      summary:
        'A calm introduction to “{t}”: the main ideas in plain words, small exercises, and no knowledge assumed.',
      description:
        'This course is for people who meet “{t}” for the first time. It explains before it names, goes in small steps, and after every step there is something to do with your own hands.',
      explanation: [
        'Do not hurry. A beginner in “{t}” gains most from one thing understood completely, not from ten things half heard. If a sentence here is not clear, put it into your own words and go on only when your version sounds right to you.',
        'Keep a page for new words. Each time “{t}” brings one, write it down with an example of your own, not with a definition. In a week that page is worth more than any glossary.',
        'It is normal that {f} seems easy while you read and hard when you try. The gap between the two is exactly what the exercises are for: they show you, without a teacher, what is still missing.'
      ],
      exercises: [
        'Explain this chapter to somebody who knows nothing of “{t}”, in five sentences. Note where you hesitated.',
        'Find one example of {f} in your own life or work and describe it in a short paragraph.',
        'Write three questions about “{t}” that you could not have asked yesterday.',
        'Draw the main idea of the chapter on half a page, with arrows and without long sentences.'
      ],
      question: 'What should a beginner do when a step is not clear?',
      answer: 'Put it into his own words and try it on a small example before going on.',
      practice: 10
    },
    intermediate: {
      title: '{t} in practice',
      summary:
        '“{t}” for people who know the basics: methods, typical mistakes, a project of your own, and how to judge the result.',
      description:
        'This course is for people who have made their first steps in “{t}” and want to work reliably. It compares methods, shows where they break, and leads to a project that can be shown to others.',
      explanation: [
        'At this level the question is no longer “how is it done” but “when is it worth doing so”. For every method in “{t}” note its price: the time it takes, what it presumes, and how it fails.',
        'Work with real material from now on. Invented examples are tidy; what “{t}” brings in practice is not, and that untidiness is where skill in {f} comes from.',
        'Compare at least two ways before you settle on one. Even a quick comparison on paper shows what you take for granted, and that is the usual source of mistakes in “{t}”.'
      ],
      exercises: [
        'Take a piece of your own work on “{t}” and improve one thing that this chapter speaks of. Write down what changed and how you know.',
        'Compare two ways of handling {f} in a table: effort, result, risk.',
        'Describe a case in which the advice of this chapter would be wrong.',
        'Ask somebody to review your result by the checklist, and write down what surprised you.'
      ],
      question: 'What belongs to knowing a method, beside how to apply it?',
      answer: 'Its price and its limits: what it presumes, how long it takes, and how it fails.',
      practice: 20
    },
    advanced: {
      title: '{t}: a deeper look',
      summary:
        '“{t}” for practitioners: trade-offs, evidence, edge cases, and how to teach and organise it for others.',
      description:
        'This course is for people who work with “{t}” every day. It questions habits, asks for evidence, and looks at what happens at the edges, at scale and in the work of a whole team.',
      explanation: [
        'Experience in “{t}” has a shadow: habits that once were answers. Treat {f} as a hypothesis again. What would you have to observe to change your mind? If nothing comes to mind, the habit has stopped being knowledge.',
        'Look for the boundary. Every rule in “{t}” holds under conditions that are seldom written down; name them, move one of them, and see what breaks first. That is faster than another year of the same practice.',
        'Think beyond your own desk. A decision about {f} that is right for one expert may be wrong for a team that must live with it for years: weigh how it is learned, checked and handed over.'
      ],
      exercises: [
        'Formulate a claim about {f} that could be false, and design the cheapest test of it.',
        'Find two respected sources on “{t}” that disagree here, and explain the disagreement by their assumptions.',
        'Write a one-page decision record: context, options, decision, consequences.',
        'Prepare a fifteen-minute lesson on this chapter for colleagues, with one exercise that they can fail.'
      ],
      question: 'How does an expert keep habits from turning into dogma?',
      answer: 'By naming the conditions under which a rule holds, and what observation would change it.',
      practice: 35
    }
  },
  focuses: [
    {
      title: 'Why it matters',
      summary: 'What “{t}” is for, who needs it, and what changes for those who know it.',
      name: 'purpose and benefit',
      explanation:
        'Every subject was somebody’s answer to a difficulty. Before the details of “{t}”, find that difficulty: who had it, how they managed without, and what it cost them. Whoever knows the reason can rebuild half of the details; whoever knows only the details cannot rebuild the reason. The benefit should be stated so that it can be checked: not “it is useful”, but “with it this takes an hour instead of a day”, or “without it this decision is made blindly”.',
      scenario:
        'Two colleagues begin with “{t}” on the same day. The first collects materials for a month. The second writes down one real difficulty, looks for the part of “{t}” that speaks of it, and solves a tenth of it in a week. A month later the first has a library; the second has a question that leads to the next step, and a reason to take it.',
      question: 'Which difficulty does “{t}” answer, and for whom?',
      answer: 'A good answer names a person, a situation and a cost that becomes smaller.'
    },
    {
      title: 'The map of the field',
      summary: 'The main parts of “{t}”, how they hang together, and where to begin.',
      name: 'the map of the field',
      explanation:
        'A field looks endless as long as it is a list. Drawn as a map it is not: there are a few regions, roads between them, and large areas that can wait. To map “{t}”, collect the words that keep coming back, put those together that are used in one breath, and ask of each group what it needs from the others. What everything else leans on comes first; what nothing leans on may come last.',
      scenario:
        'A newcomer writes thirty words from three introductions to “{t}” on cards and lays them on a table. After ten minutes there are five heaps; after twenty, arrows between them. One heap has arrows in every direction: that is where the learning begins. Two cards fit nowhere. They become questions, not worries.',
      question: 'Which parts does “{t}” have, and which of them does the rest lean on?',
      answer: 'Three to six parts with named connections; the one that most arrows leave is learned first.'
    },
    {
      title: 'Key ideas',
      summary: 'The few ideas that most of “{t}” follows from.',
      name: 'the key ideas',
      explanation:
        'Behind many rules there are few ideas. A key idea can be recognised by what it explains: with it, several rules that had to be learned by heart become consequences. Look at “{t}” for sentences of the form “it is so because otherwise…”. They connect a rule with an idea, and the idea with a price. Three such ideas, understood well, carry further than thirty rules.',
      scenario:
        'A teacher lets her group list everything they remember of “{t}”, one line each, and then asks of every line: “what would go wrong without it?” The same three answers come again and again. They write those three at the top of a clean page; the rest of the list turns out to be examples of them.',
      question: 'Which three ideas explain most of what you have met in “{t}” so far?',
      answer: 'Ideas from which several rules follow; each with an example of what goes wrong without it.'
    },
    {
      title: 'Words and notions',
      summary: 'The language of “{t}”: what the words mean, and where they mislead.',
      name: 'words and notions',
      explanation:
        'A technical word is a packed thought. It saves time between people who have unpacked it once, and shuts out everybody else. In “{t}”, beware above all of words that are also used in everyday life: there they mean something near enough to seem familiar, and far enough to mislead. A notion is yours when you can give an example, a counter-example, and the neighbour it is confused with.',
      scenario:
        'In a meeting on “{t}” two people argue for half an hour. A third asks each to give one example of the word that they both use. The examples have nothing in common. The argument was not about “{t}” at all, and it ends in two minutes.',
      question: 'Which words of “{t}” do people confuse, and how do you tell them apart?',
      answer: 'A pair of words with an example for each and one case that only one of them fits.'
    },
    {
      title: 'First practice',
      summary: 'A first result of your own in “{t}”: small, complete, and honest.',
      name: 'first practice',
      explanation:
        'The first exercise should be small enough to finish and complete enough to fail. A half-finished large attempt teaches little, because nothing in it can be judged. Choose something in “{t}” that takes less than an hour from the beginning to a result; do it badly once; then do it again with one improvement. The second round is where learning happens, since only now is there something to compare.',
      scenario:
        'A student plans a first exercise on “{t}” for the weekend, then cuts the plan in half, and in half again. What is left takes forty minutes. The result is plain, but it is whole. On Sunday he does it once more, and this time he knows before he begins where he will be slow.',
      question: 'What is the smallest complete thing that you can do in “{t}” today?',
      answer: 'Something with a beginning, a result and a way to see whether it has worked, within an hour.'
    },
    {
      title: 'Tools and methods',
      summary: 'How work on “{t}” is done: methods to choose from and tools that help.',
      name: 'tools and methods',
      explanation:
        'A method says in what order to think; a tool makes some of it faster. They are often confused, and then a new tool is bought where an order of thought was missing. For “{t}”, first write down the steps that you go through by hand. The step that is dull and repeated deserves a tool; the step where you hesitate deserves a method. Two well-known tools beat ten that have been installed.',
      scenario:
        'A small team tries three tools for “{t}” in three weeks and is as slow as before. Then they keep a diary for two days: where does the time go? Most of it goes into deciding what to do next. A list of five questions on a sheet of paper, a method and no tool at all, halves it.',
      question: 'Which step of your work on “{t}” needs a method, and which a tool?',
      answer: 'A method where you hesitate, a tool where you repeat.'
    },
    {
      title: 'Working with examples',
      summary: 'How to read, take apart and vary good examples of “{t}”.',
      name: 'work with examples',
      explanation:
        'Examples teach when something is done to them. Reading ten good examples of “{t}” leaves a pleasant feeling; taking one apart leaves knowledge. Cover the second half and guess it. Change one detail and predict what else must change. Put two examples side by side and name the one difference that matters. An example that has been varied three times is remembered without effort.',
      scenario:
        'Of two students, one reads twelve worked examples of “{t}”. The other takes a single one, closes it, and tries to repeat it; opens it, finds the difference, closes it again. After an hour the first recognises examples, the second can make them.',
      question: 'What can you do with an example of “{t}” beside reading it?',
      answer: 'Guess its end, vary a detail, compare it with another, repeat it from memory.'
    },
    {
      title: 'Asking good questions',
      summary: 'How to find out what you need to know about “{t}”, from people and from sources.',
      name: 'good questions',
      explanation:
        'A good question says what you have tried, what you expected and what happened instead. It is half of the answer, and often the whole of it: while it is being written, the mistake comes into view. Sources on “{t}” differ in what they are for: a tutorial shows a way, a reference lists facts, an expert weighs. To ask each for what it has saves most of the searching.',
      scenario:
        'Somebody asks on a forum: “Why does {t} not work for me?” Nobody answers. An hour later the question is: “I did A, expected B, and got C; I have checked D.” There are three answers within ten minutes, and one of them begins with “thank you for the details”.',
      question: 'What belongs in a question about “{t}” that others can answer?',
      answer: 'What was tried, what was expected, what happened, and what has been excluded.'
    },
    {
      title: 'Typical mistakes',
      summary: 'Where people go wrong in “{t}”, and how to notice it early.',
      name: 'typical mistakes',
      explanation:
        'Mistakes in “{t}” are not spread evenly; a handful of them make up most of the loss. They have a pattern: something is skipped that seemed obvious, a result is believed because it looks right, or effort is put into what can be measured instead of what matters. The cure is rarely more care in general. It is one check at one place, cheap enough to be made every time.',
      scenario:
        'After a failed attempt at “{t}” a group looks for the culprit, then starts anew and looks for the moment: when could this have been noticed at the earliest? The answer is a single sentence that somebody had thought and not said. Since then they begin with the question “what are we taking for granted?”, and it takes two minutes.',
      question: 'Which mistake in “{t}” costs most, and where could it be seen first?',
      answer: 'A concrete mistake, the earliest sign of it, and a check that takes little time.'
    },
    {
      title: 'A project of your own',
      summary: 'From a wish to a finished piece of work on “{t}”, with a plan that survives.',
      name: 'your own project',
      explanation:
        'A project turns knowledge of “{t}” into ability, since for the first time nobody has arranged the difficulties in a convenient order. A good project has one person who needs the result, one sentence that says when it is finished, and a first version that could be shown after a third of the time. Plan the riskiest part first: if it fails, it should fail while there is still time to change course.',
      scenario:
        'A learner plans to show a project on “{t}” in six weeks. Instead of beginning at the beginning she begins with what she fears most, and in the second week it does fail. The plan becomes smaller. In week six something modest is finished, used by one real person, and criticised by him: the best lesson of the course.',
      question: 'When is your project on “{t}” finished, and who will use it?',
      answer: 'One sentence that can be checked, and the name of somebody who needs the result.'
    },
    {
      title: 'Judging quality',
      summary: 'How to see whether work on “{t}” is good, your own included.',
      name: 'quality',
      explanation:
        'Quality can be judged when it has been said beforehand what counts. For “{t}” choose three or four criteria that exclude each other as little as possible, and describe for each what poor, sufficient and excellent look like. Then judge an example that is not yours; then your own, a day after finishing it. The distance between the two judgements shows how honest the second was.',
      scenario:
        'Two reviewers rate the same piece of work on “{t}” and are far apart. They do not average. They look for the sentence in the criteria that each has read differently, and rewrite it. At the third piece they agree, and the author understands why.',
      question: 'By which criteria would you judge work on “{t}” that is not yours?',
      answer: 'Three or four, each with a description of what is poor, sufficient and excellent.'
    },
    {
      title: 'Going on from here',
      summary: 'How to keep learning “{t}” after the course, without a teacher.',
      name: 'the way on',
      explanation:
        'A course ends; a practice need not. What keeps knowledge of “{t}” alive is neither will nor talent but a rhythm: a fixed hour, a small portion, a trace that can be looked at later. Add people: one who is further than you, one to whom you explain. And add a measure that is checked once a month, so that the direction can be corrected while it is cheap.',
      scenario:
        'Half a year after a course on “{t}” most participants remember little. Three remember much. None of them studied for long: one kept a diary of ten lines a week, one answered questions of beginners, one finished a second project. Their calendars had an entry; those of the others had a good intention.',
      question: 'Which rhythm will keep your knowledge of “{t}” alive?',
      answer: 'A fixed time, a small portion, a visible trace and somebody who notices when it stops.'
    }
  ],
  aspects: [
    {
      title: 'The idea',
      objective: 'What lies behind {f}, in two sentences of your own?',
      explanation:
        'Begin with the idea, not with the details. State {f} in one sentence that somebody outside could understand, and then say in a second one what would be different without it. If the two sentences do not fit together, the idea is not clear yet; it is better to notice that now than ten pages later.',
      checklist: [
        'One sentence says what it is',
        'One sentence says what would be missing',
        'No word in them needs explaining'
      ],
      exercise: 'Write the idea down in two sentences, wait an hour, and improve them.',
      question: 'How do you test whether an idea has been understood?',
      answer: 'By saying it in two sentences of your own: what it is, and what would be missing without it.'
    },
    {
      title: 'What you need to know first',
      objective: 'What must be known before {f} makes sense?',
      explanation:
        'Every step rests on others. List what {f} presumes: words, skills, and habits that nobody mentions since everybody has them. What you lack is no reason to stop; it is the next thing to learn, and usually in small amounts. Mark what is really necessary and what only happens to stand before it in the books.',
      checklist: ['Necessary knowledge is listed', 'What is missing is marked', 'Each gap has a plan of half an hour'],
      exercise: 'List five things that this chapter presumes, and mark those that you could not explain.',
      question: 'What do you do with a gap in your knowledge?',
      answer: 'Name it, decide whether it is really needed, and close it in small portions.'
    },
    {
      title: 'A first example',
      objective: 'Which example shows {f} most plainly?',
      explanation:
        'A first example should be poor in detail. Only what belongs to {f} may be in it; whatever else real cases have distracts now. Go through it slowly, and at every step ask what would happen if it were left out. Afterwards add one complication, just one, and see how the picture changes.',
      checklist: [
        'The example fits on half a page',
        'Every part of it is needed',
        'One complication has been added and followed'
      ],
      exercise: 'Build a simpler example than the one in this chapter.',
      question: 'Why should a first example be poor?',
      answer: 'So that everything in it belongs to the matter, and its effect can be followed.'
    },
    {
      title: 'How it works',
      objective: 'Which causes lead to which effects in {f}?',
      explanation:
        'To know how something works is to be able to predict. For {f} draw the chain from cause to effect, and mark where you are guessing. Then predict a case that you have not seen, write the prediction down, and look. A wrong prediction is more useful than a right one: it points at the link that was wrong.',
      checklist: [
        'Causes and effects are connected by arrows',
        'Guesses are marked',
        'One prediction has been checked'
      ],
      exercise: 'Make a prediction about a case that you do not know yet, and check it.',
      question: 'What shows that you know how something works?',
      answer: 'Predictions that come true, about cases that you had not seen.'
    },
    {
      title: 'Step by step',
      objective: 'In what order do you proceed with {f}?',
      explanation:
        'An order of steps frees the head for the difficult part. Write down how you proceed with {f}, one line for each step, each with its result: not “think about it”, but “three options are on paper”. Follow the list once to the letter, and note where you departed from it. At those places either the list is wrong or the habit.',
      checklist: [
        'Each step has a result that can be seen',
        'The list has been followed once',
        'Departures have been noted'
      ],
      exercise: 'Write your own list of five to seven steps, and follow it once to the letter.',
      question: 'What makes a step in a list useful?',
      answer: 'A result that can be seen, so that you know when it is done.'
    },
    {
      title: 'In real work',
      objective: 'How does {f} look when time and information are short?',
      explanation:
        'Practice differs from exercise by what is missing: time, information, agreement. Of {f} not everything can be kept then, and it is good to decide in advance what will be. Choose the part that protects from the greatest damage, and let the rest go on purpose instead of by accident.',
      checklist: [
        'What must never be left out is named',
        'What may be left out is named too',
        'Somebody else knows of the decision'
      ],
      exercise: 'Describe what you would keep of this chapter if you had a quarter of the time.',
      question: 'What do you decide before time is short?',
      answer: 'Which part is never left out, and which may be.'
    },
    {
      title: 'Comparing ways',
      objective: 'Which other ways are there, and when are they better?',
      explanation:
        'A way is understood when another one has been seen. Set two approaches to {f} side by side: what do they need, what do they give, how do they fail? There is rarely a winner. There are conditions, and to know them is worth more than a favourite.',
      checklist: [
        'Two ways are compared',
        'Effort, result and failure are named for each',
        'The condition that decides is named'
      ],
      exercise: 'Compare two ways in a table of three rows, and write one sentence on when to choose which.',
      question: 'What should a comparison end with?',
      answer: 'With the condition under which each way is the better one.'
    },
    {
      title: 'Where it goes wrong',
      objective: 'By which signs do you notice early that {f} goes wrong?',
      explanation:
        'Look at {f} from its end: assume that it has failed, and ask what the reason was. Three reasons come to mind quickly; the fourth is usually the interesting one. For each, look for the earliest sign, and for a check that is cheap enough to be made every time.',
      checklist: ['Three ways to fail are written down', 'Each has an early sign', 'One check is part of the routine'],
      exercise: 'Imagine that it has failed, and write down the four most likely reasons.',
      question: 'What is gained by assuming a failure in advance?',
      answer: 'Its reasons and its early signs come to mind while there is still time.'
    },
    {
      title: 'Exercise and feedback',
      objective: 'How do you practise {f} so that you get better?',
      explanation:
        'Repetition alone makes fast, not good. Practice of {f} helps when three things come together: a task slightly above what is easy, an answer soon afterwards on how it went, and another attempt while the answer is fresh. If there is nobody to answer, compare with a model, or with your own work of last week.',
      checklist: ['The task is slightly too hard', 'There is feedback the same day', 'A second attempt follows'],
      exercise: 'Plan three short exercises of growing difficulty, and say for each where the feedback comes from.',
      question: 'What turns repetition into practice?',
      answer: 'A task that is slightly too hard, quick feedback, and a second attempt.'
    },
    {
      title: 'Looking back',
      objective: 'What of {f} do you keep, and what is next?',
      explanation:
        'Before going on, look back for ten minutes. What of {f} was new? What did you believe before that you do not believe now? Which question has stayed open? Written down, the three answers make a bridge to the next module; only thought, they are gone tomorrow.',
      checklist: [
        'One new thing is written down',
        'One changed opinion is written down',
        'One open question is written down'
      ],
      exercise: 'Write half a page: what was new, what has changed, what is open.',
      question: 'Which three questions belong to looking back?',
      answer: 'What was new, what has changed, and what is still open.'
    }
  ]
}
