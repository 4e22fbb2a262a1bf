// Other ways to write the same text: comments, blanks, case, quoted names, strings of every form. By the grammar's own
// scanner, so that each is the same to the server.
import { scanSync } from 'libpg-query'
import type { Random } from './random.ts'

interface Piece {
  readonly text: string
  readonly kind: 'name' | 'word' | 'string' | 'other'
  /** Blanks and comments stood before it. */
  readonly apart: boolean
}

/** KeywordKind of an identifier that is no keyword. */
const NO_KEYWORD = 0

export function piecesOf(text: string): Piece[] {
  const bytes = Buffer.from(text)
  const pieces: Piece[] = []
  let end = 0
  let apart = false
  for (const token of scanSync(text).tokens) {
    const own = bytes.subarray(token.start, token.end).toString()
    apart ||= token.start > end
    end = token.end
    if (/COMMENT$/.test(token.tokenName)) {
      apart = true
      continue
    }
    pieces.push({ text: own, kind: kindOf(own, token.keywordKind), apart })
    apart = false
  }
  return pieces
}

function kindOf(text: string, keyword: number): Piece['kind'] {
  if (/^[a-z_][\w$]*$/i.test(text)) return keyword === NO_KEYWORD ? 'name' : 'word'
  return /^'[^\\]*'$/s.test(text) && !/'\s*\n\s*'/.test(text) ? 'string' : 'other'
}

const BLANKS = [' ', '\n', '\t', '\f', '\r\n', '  \n ']
const COMMENTS = [
  '/* x */',
  '/* /* nested */ ; drop table t */',
  '-- delete from t\n',
  "/*'*/",
  '--"\n',
  '/*$$*/',
  '/**/',
  '--\r',
]

/** After these the grammar looks at the next token; in libpg_query a comment is one, and the text is refused. */
const LOOKS_AHEAD = /^(not|with|without|nulls|format|u&.*)$/is

/** The same, with other blanks, and comments between any two tokens. */
export function blanked(random: Random, pieces: readonly Piece[]): string {
  let text = ''
  pieces.forEach((piece, at) => {
    const before = pieces[at - 1]
    // Two strings with a line between them are one.
    const strings = before?.text.endsWith("'") === true && piece.text.startsWith("'")
    const blank = strings ? ' ' : random.of(BLANKS)
    if (piece.apart) text += blank
    const free = before === undefined || !(strings || LOOKS_AHEAD.test(before.text))
    if (free && random.chance(0.3)) text += ` ${random.of(COMMENTS)}${blank}`
    text += piece.text
  })
  return random.chance(0.5) ? `${text}\n; -- end` : `;/* */;${text}`
}

/** The same, with letters of words and bare names in other cases. */
export function cased(random: Random, pieces: readonly Piece[]): string {
  return joined(pieces, ({ text, kind }) =>
    kind === 'word' || kind === 'name'
      ? text.replaceAll(/[a-z]/gi, letter =>
          random.chance(0.5) ? letter.toUpperCase() : letter.toLowerCase(),
        )
      : text,
  )
}

/** The same, with bare names quoted, or spelled by their code points. */
export function quoted(random: Random, pieces: readonly Piece[]): string {
  return joined(pieces, ({ text, kind }) => {
    if (kind !== 'name' || random.chance(0.3)) return text
    const name = text.toLowerCase()
    return random.chance(0.5) ? `"${name}"` : `U&"${spelled(random, name)}"`
  })
}

/** The same, with plain strings in every other form. */
export function stringed(random: Random, pieces: readonly Piece[]): string {
  return joined(pieces, ({ text, kind }) => {
    if (kind !== 'string') return text
    const value = text.slice(1, -1).replaceAll("''", "'")
    const doubled = value.replaceAll("'", "''")
    const forms = [
      `E'${value.replaceAll("'", "\\'")}'`,
      `e'${[...value].map(each => (/[a-z0-9]/i.test(each) && random.chance(0.5) ? `\\x${each.charCodeAt(0).toString(16)}` : each === "'" ? "''" : each)).join('')}'`,
      `U&'${spelled(random, doubled)}'`,
      `$q1$${value}$q1$`,
      `'${doubled}'`,
    ]
    return random.of(forms)
  })
}

function spelled(random: Random, text: string): string {
  return [...text]
    .map(each =>
      /[a-z0-9_]/i.test(each) && random.chance(0.5)
        ? `\\${each.charCodeAt(0).toString(16).padStart(4, '0')}`
        : each,
    )
    .join('')
}

function joined(pieces: readonly Piece[], spell: (piece: Piece) => string): string {
  // A form that begins with a letter must not join the word before it.
  return pieces.map(piece => `${piece.apart ? ' ' : ''}${spaced(piece, spell(piece))}`).join('')
}

function spaced({ text, apart }: Piece, spelling: string): string {
  return !apart && spelling !== text && /^[a-z$]/i.test(spelling) ? ` ${spelling}` : spelling
}
