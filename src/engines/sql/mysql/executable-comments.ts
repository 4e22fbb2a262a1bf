// Comments that a server runs: `/*! ... */`, `/*!50003 ... */`, MariaDB's `/*M! ... */`. They are laid open here, as the
// server at hand would, and that is what is read and sent: no text that leaves holds one, so none is read in two ways.
// Measured on MariaDB 10.11 (test/corpus/mysql-comments.test.ts).
import { Refusal } from '../draft.ts'
import type { MysqlReading } from './reading.ts'
import { commentEnd, isLineComment, lineEnd, quotedEnd } from './strings.ts'

/** The text with them expanded or blanked; the very same one when it has none. */
export function expand(text: string, reading: MysqlReading): string {
  if (!text.includes('/*!') && !text.includes('/*M!')) return text
  let made = ''
  let from = 0
  let inside = false
  for (let at = 0; at < text.length; ) {
    const code = text.charCodeAt(at)
    if (code === 0x27 || code === 0x22 || code === 0x60) {
      at = quotedEnd(text, at)
    } else if (code === 0x23 || isLineComment(text, at)) {
      at = lineEnd(text, at)
    } else if (inside && code === 0x2a && text[at + 1] === '/') {
      made = laidOpen(made, text.slice(from, at))
      at = from = at + 2
      inside = false
    } else if (code === 0x2f && text[at + 1] === '*') {
      const mark = markAt(text, at)
      if (mark === undefined) {
        at = commentEnd(text, at)
        continue
      }
      if (inside) {
        throw new Refusal('statement_unreadable', 'an executable comment holds another one')
      }
      made = laidOpen(made, text.slice(from, at))
      inside = runs(mark, reading)
      from = at = inside ? mark.end : skipped(text, at)
    } else {
      at++
    }
  }
  if (inside) throw new Refusal('statement_unreadable', 'an executable comment does not end')
  return made + text.slice(from)
}

/** A blank stands for each mark. Behind `--` it would make a comment, of what the server reads as two signs, of all that follows. */
function laidOpen(made: string, more: string): string {
  if (more.endsWith('--')) {
    throw new Refusal('statement_unreadable', 'an executable comment touches two dashes')
  }
  return `${made}${more} `
}

interface Mark {
  readonly mariadb: boolean
  /** Undefined: it runs on every version. */
  readonly version: number | undefined
  /** Where what it holds begins. */
  readonly end: number
}

/** Undefined for a plain comment. */
function markAt(text: string, at: number): Mark | undefined {
  const mariadb = text.startsWith('/*M!', at)
  if (!mariadb && !text.startsWith('/*!', at)) return undefined
  const start = at + (mariadb ? 4 : 3)
  const digits = /^\d{5,6}/.exec(text.slice(start, start + 6))?.[0]
  if (digits === undefined) return { mariadb, version: undefined, end: start }
  return { mariadb, version: Number(digits), end: start + digits.length }
}

/** MariaDB leaves out what is meant for MySQL 5.7 and later; MySQL takes MariaDB's mark for a plain comment. */
function runs({ mariadb, version }: Mark, reading: MysqlReading): boolean {
  if (reading.flavour === 'mysql') {
    return !mariadb && (version === undefined || version <= reading.version)
  }
  if (version === undefined) return true
  return version <= reading.version && (mariadb || version < 50_700 || version > 99_999)
}

/** The end of one that does not run. Servers count comments in it, to a depth that differs. */
function skipped(text: string, at: number): number {
  const end = commentEnd(text, at)
  if (text.slice(at + 2, end).includes('/*')) {
    throw new Refusal('statement_unreadable', 'an executable comment holds another comment')
  }
  return end
}
