// The words of a text: all of it but its values. Programs say the same words again and again, so of most texts only the values
// have to be looked at, and kept.

/** Numbers that stand alone, and what stands in quotes. */
export const VALUES = /'(?:[^']|'')*'|\b\d[\d.]*\b/g

const QUOTE = 0x27
const DOT = 0x2e

export class Wording {
  /** What stands before, between and behind the values. */
  readonly #words: readonly string[]

  constructor(text: string) {
    this.#words = text.split(VALUES)
  }

  /**
   * The values of a text that has nothing but them and these very words, a space between two; undefined: it has other words.
   * (Where a quote is never closed this may cut a text at other places than `VALUES` does. All of it is in the words or in the
   * values in any case.)
   */
  valuesOf(text: string): string | undefined {
    const words = this.#words
    const last = words.length - 1
    let values = ''
    let at = 0
    for (let index = 0; index < last; index++) {
      const before = words[index] as string
      if (!text.startsWith(before, at)) return undefined
      at += before.length
      const end = valueEnd(text, at)
      if (end === -1) return undefined
      values += index === 0 ? text.slice(at, end) : ` ${text.slice(at, end)}`
      at = end
    }
    const behind = words[last] as string
    return text.length - at === behind.length && text.endsWith(behind) ? values : undefined
  }
}

/** Where the value ends that stands at `at`; -1: none does. */
function valueEnd(text: string, at: number): number {
  const first = text.charCodeAt(at)
  if (first === QUOTE) {
    let end = text.indexOf("'", at + 1) + 1
    while (end > 0 && text.charCodeAt(end) === QUOTE) end = text.indexOf("'", end + 1) + 1
    return end > 0 ? end : -1
  }
  if (!isDigit(first) || isWord(text.charCodeAt(at - 1))) return -1
  let end = at + 1
  for (let next = text.charCodeAt(end); isDigit(next) || next === DOT; )
    next = text.charCodeAt(++end)
  return isWord(text.charCodeAt(end)) ? -1 : end
}

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39
}

/** As `\b` has it. NaN, which stands beyond both ends, is none. */
function isWord(code: number): boolean {
  return (
    isDigit(code) ||
    (code >= 0x41 && code <= 0x5a) ||
    (code >= 0x61 && code <= 0x7a) ||
    code === 0x5f
  )
}
