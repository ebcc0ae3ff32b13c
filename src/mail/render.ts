import type { Language } from './language.ts'
import type { LetterKind } from './letters.ts'
import { texts } from './texts.ts'

export interface RenderedLetter {
  readonly subject: string
  readonly text: string
  readonly html: string
}

const NAME = 'AI Akademiya'

/** Renders a letter as plain text and HTML; `link` is null for a letter without a link. */
export function renderLetter(kind: LetterKind, language: Language, link: string | null): RenderedLetter {
  const { subject, intro, action, outro } = texts[language][kind]
  const shown = action === null || link === null ? null : { action, link }
  const text = [intro, ...(shown === null ? [] : [shown.link]), outro, `-- \n${NAME}`].join('\n\n')
  return { subject, text: `${text}\n`, html: page(language, subject, intro, shown, outro) }
}

/** Inline styles, for mail clients that drop style sheets. The sheet only adds dark colours. */
const style = {
  body: 'margin:0;padding:24px 12px;background:#f3f4f6;color:#1f2937;font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif',
  card: 'max-width:520px;margin:0 auto;padding:28px 24px;background:#ffffff;border-radius:12px',
  brand: 'margin:0 0 20px;font-size:14px;font-weight:600;color:#4f46e5',
  title: 'margin:0 0 16px;font-size:22px;line-height:1.3',
  paragraph: 'margin:0 0 20px',
  button:
    'display:inline-block;padding:12px 20px;border-radius:8px;background:#4f46e5;color:#ffffff;text-decoration:none;font-weight:600',
  small: 'margin:0 0 20px;font-size:13px;color:#4b5563;overflow-wrap:anywhere'
}
const sheet = `@media (prefers-color-scheme: dark) {
  body { background: #111827 !important; color: #e5e7eb !important }
  .card { background: #1f2937 !important }
  .brand, .small a { color: #a5b4fc !important }
  .small { color: #cbd5e1 !important }
}`

function page(
  language: Language,
  subject: string,
  intro: string,
  shown: { action: string; link: string } | null,
  outro: string
): string {
  const link = shown === null ? '' : escapeHtml(shown.link)
  const button =
    shown === null
      ? ''
      : `<p style='${style.paragraph}'><a href="${link}" style='${style.button}'>${escapeHtml(shown.action)}</a></p>
<p class="small" style='${style.small}'><a href="${link}" style='color:#4f46e5'>${link}</a></p>`
  return `<!doctype html>
<html lang="${language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<title>${escapeHtml(subject)}</title>
<style>${sheet}</style>
</head>
<body style='${style.body}'>
<div class="card" style='${style.card}'>
<p class="brand" style='${style.brand}'>${NAME}</p>
<h1 style='${style.title}'>${escapeHtml(subject)}</h1>
<p style='${style.paragraph}'>${escapeHtml(intro)}</p>
${button}
<p class="small" style='${style.small};margin:0'>${escapeHtml(outro)}</p>
</div>
</body>
</html>
`
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;'
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => entities[character] ?? character)
}
