import { figure, goalText, isMet, type Outcome } from './outcome.ts'

const WIDTH = 860
const ROW = 34
const LABELS = 330
const SCALE_END = 2

/** Draws how far each value reached its goal, as bars up to twice the goal: an SVG for light and dark backgrounds. */
export function chart(outcomes: readonly Outcome[]): string {
  const x = (ratio: number) => LABELS + ((WIDTH - LABELS - 70) * Math.min(ratio, SCALE_END)) / SCALE_END
  // For values with an upper bound the ratio is inverted, so that a longer bar is always better.
  const share = ({ value, goal }: Outcome) => ('atLeast' in goal ? value / goal.atLeast : goal.atMost / value)
  const rows = outcomes.map((outcome, i) => {
    const y = 40 + i * ROW
    const color = isMet(outcome) ? '#2a9d5c' : '#d9822b'
    return [
      `<text x="${LABELS - 10}" y="${y + 16}" text-anchor="end">${escaped(outcome.name)}</text>`,
      `<rect x="${LABELS}" y="${y + 3}" width="${x(share(outcome)) - LABELS}" height="18" rx="3" fill="${color}"/>`,
      `<text x="${x(share(outcome)) + 6}" y="${y + 16}">${figure(outcome.value)}${outcome.unit} (${escaped(goalText(outcome))})</text>`
    ].join('\n')
  })
  const height = 50 + outcomes.length * ROW
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH + 90} ${height}" font-family="system-ui, sans-serif" font-size="13">
<title>What npm run bench found, beside its goals</title>
<style>text { fill: #24292f } @media (prefers-color-scheme: dark) { text { fill: #e6edf3 } }</style>
<text x="10" y="22" font-weight="bold">npm run bench: values, and how much of their goals (green: met)</text>
<text x="${x(1)}" y="22" text-anchor="middle">goal</text>
${rows.join('\n')}
<line x1="${x(1)}" x2="${x(1)}" y1="30" y2="${height - 8}" stroke="#888" stroke-dasharray="4 3"/>
</svg>
`
}

function escaped(text: string): string {
  return text.replace(/[&<>]/g, (character) => `&#${character.charCodeAt(0)};`)
}
