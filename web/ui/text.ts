// Text from outside, made safe to look at: what steers the eye (bidi, zero width) or nothing at all (controls) is shown
// by its number. React escapes markup by itself.
const STRANGE = /[\p{Cc}\p{Cf}\p{Co}\p{Cn}\u2028\u2029\u115f\u1160\u3164\uffa0]/gu

export interface Piece {
  readonly text: string
  readonly strange: boolean
}

/** Pieces in order; `strange` ones are escapes such as `\u202e`. Tabs and line ends stand where `lines` is true. */
export function pieces(text: string, lines = true): readonly Piece[] {
  const found: Piece[] = []
  let from = 0
  for (const match of text.matchAll(STRANGE)) {
    if (lines && /[\n\t]/.test(match[0])) continue
    if (match.index > from) found.push({ text: text.slice(from, match.index), strange: false })
    const code = match[0].codePointAt(0) ?? 0
    found.push({ text: `\\u${code.toString(16).padStart(4, '0')}`, strange: true })
    from = match.index + match[0].length
  }
  if (from < text.length) found.push({ text: text.slice(from), strange: false })
  return found
}

/** The same as one string, on one line: ends of lines are shown as a sign. */
export function plain(text: string): string {
  return pieces(text.replaceAll('\n', '⏎'), false)
    .map(({ text: piece }) => piece)
    .join('')
}

const numbers = new Intl.NumberFormat()
export function count(value: number): string {
  return numbers.format(value)
}

/** `1 row`, `2 rows`. */
export function many(value: number, one: string, several = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : several}`
}

export function bytes(value: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  let at = 0
  let rest = value
  while (rest >= 1000 && at < units.length - 1) {
    rest /= 1000
    at += 1
  }
  return `${at === 0 ? rest : rest.toFixed(rest < 10 ? 1 : 0)} ${units[at]}`
}
