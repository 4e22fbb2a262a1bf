// Where strings, names in quotes and comments end. Escapes by backslash are on and ANSI_QUOTES is off: the gateway pins it.
import { Refusal } from '../draft.ts'

/** The index after the quote that ends what begins here with one. */
export function quotedEnd(text: string, at: number): number {
  const quote = text.charCodeAt(at)
  const escapes = quote !== 0x60
  for (let next = at + 1; next < text.length; next++) {
    const code = text.charCodeAt(next)
    if (code === 0x5c && escapes) next++
    else if (code === quote) {
      if (text.charCodeAt(next + 1) !== quote) return next + 1
      next++
    }
  }
  throw new Refusal('statement_unreadable', 'a string or a name in quotes does not end')
}

/** `--` is a comment only before a blank, a control character or the end. */
export function isLineComment(text: string, at: number): boolean {
  if (text.charCodeAt(at) !== 0x2d || text.charCodeAt(at + 1) !== 0x2d) return false
  const code = text.charCodeAt(at + 2)
  return Number.isNaN(code) || code <= 0x20 || code === 0x7f
}

/** Only a line feed ends it. */
export function lineEnd(text: string, at: number): number {
  const end = text.indexOf('\n', at)
  return end === -1 ? text.length : end + 1
}

/** Comments do not nest. */
export function commentEnd(text: string, at: number): number {
  const end = text.indexOf('*/', at + 2)
  if (end === -1) throw new Refusal('statement_unreadable', 'a comment does not end')
  return end + 2
}

const escaped: Readonly<Record<string, string>> = {
  '0': '\0',
  b: '\b',
  n: '\n',
  r: '\r',
  t: '\t',
  Z: '\x1a',
  // Kept for LIKE.
  '%': '\\%',
  _: '\\_',
}

/** What stands between the quotes. */
export function unquoted(written: string): string {
  const quote = written[0] ?? ''
  const inner = written.slice(1, -1)
  if (quote === '`') return inner.includes('`') ? inner.replaceAll('``', '`') : inner
  if (!inner.includes('\\') && !inner.includes(quote)) return inner
  let value = ''
  for (let at = 0; at < inner.length; at++) {
    const char = inner[at] as string
    if (char === '\\') {
      const next = inner[++at] ?? ''
      value += escaped[next] ?? next
    } else {
      value += char
      if (char === quote) at++
    }
  }
  return value
}
