// What the CLI prints: tables for people, one JSON value for scripts, errors on stderr. Everything that came
// from outside is printed with its control characters escaped: a statement must never drive a terminal.

import { isGatewayError } from '#model'
import { colors } from './colors.ts'

export interface Output {
  readonly json: boolean
  write(text: string): void
  error(text: string): void
}

/**
 * C0 but newline and tab, DEL, C1, surrogates that stand alone, and the characters that hide text or
 * change its direction.
 */
const UNSAFE = /(?![\n\t])[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\u115f\u1160\u3164\uffa0]/gu

/** `text` with what could drive a terminal shown as `\u{..}`. Newlines and tabs stay when `lines`. */
export function plain(text: string, lines = false): string {
  const shown = text.replace(UNSAFE, found => `\\u{${found.codePointAt(0)!.toString(16)}}`)
  return lines ? shown : shown.replace(/[\n\t]/g, found => (found === '\n' ? '⏎' : ' '))
}

/** Bound values: each between quotes that it cannot end, so that none passes for NULL, or for the next one. */
export function valuesText(values: readonly unknown[]): string {
  return values
    .map((value, at) => {
      const text = value === null ? 'NULL' : `'${String(value).replaceAll("'", "''")}'`
      return `$${at + 1}=${text}`
    })
    .join(' ')
}

/** One JSON value, or what `human` makes of it. */
export function print<Value>(output: Output, value: Value, human: (value: Value) => string): void {
  output.write(output.json ? jsonText(value, 2) : human(value))
}

/** JSON that a terminal can show: what could drive it is escaped, which JSON allows and readers undo. */
export function jsonText(value: unknown, indent?: number): string {
  return JSON.stringify(value, null, indent).replace(UNSAFE, found =>
    [...Array(found.length).keys()]
      .map(at => `\\u${found.charCodeAt(at).toString(16).padStart(4, '0')}`)
      .join(''),
  )
}

/** Columns aligned by their widest cell, at most `most` wide; an empty list says so. */
export function table(
  rows: readonly (readonly string[])[],
  heads: readonly string[],
  empty: string,
  most = 60,
): string {
  if (rows.length === 0) return empty
  const cut = (text: string): string => (text.length > most ? `${text.slice(0, most - 1)}…` : text)
  const cells = [
    heads.map(head => head.toUpperCase()),
    ...rows.map(row => row.map(cell => cut(plain(cell)))),
  ]
  const widths = heads.map((_, at) => Math.max(...cells.map(row => (row[at] ?? '').length)))
  return cells
    .map((row, line) => {
      const text = row
        .map((cell, at) => cell.padEnd(widths[at] ?? 0))
        .join('  ')
        .trimEnd()
      return line === 0 ? colors.dim(text) : text
    })
    .join('\n')
}

/** A time for a person, local and without the date when it is today. */
export function when(at: number | undefined, now = Date.now()): string {
  if (at === undefined) return '–'
  const time = new Date(at)
  const day = time.toLocaleDateString('sv-SE')
  const clock = time.toLocaleTimeString('sv-SE')
  return day === new Date(now).toLocaleDateString('sv-SE') ? clock : `${day} ${clock}`
}

/** Prints an error as the output's form asks. The exit status is the caller's. */
export function reportError(output: Output, error: unknown): void {
  const known = isGatewayError(error) ? error : undefined
  const message = known?.message ?? sentence(error)
  if (output.json) {
    output.error(
      jsonText({
        error: {
          code: known?.code ?? 'internal',
          message,
          ...(known?.hint === undefined ? {} : { hint: known.hint }),
          ...(known?.requestId === undefined ? {} : { request: known.requestId }),
        },
      }),
    )
    return
  }
  output.error(
    `${colors.red('refused')} ${plain(message, true)}${known ? colors.dim(`  [${known.code}]`) : ''}`,
  )
  if (known?.detail !== undefined) output.error(`  ${plain(known.detail, true)}`)
  if (known?.hint !== undefined) output.error(`  ${plain(known.hint, true)}`)
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  ENOTDIR: 'what stands before it is no folder',
  EISDIR: 'it is a folder',
  EACCES: 'this user may not',
  EPERM: 'this user may not',
  EROFS: 'its file system is read-only',
  ENOSPC: 'the disk is full',
}

/** The system's own errors, in words. */
function sentence(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  if (!('code' in error) || !('path' in error)) return error.message
  const code = String(error.code)
  return `${String(error.path)} cannot be opened: ${REASONS[code] ?? code}.`
}
