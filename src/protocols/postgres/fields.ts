// Reads and rewrites the fields of ErrorResponse and NoticeResponse: a server's words may quote values.
// Keeps what names no value (severity, SQLSTATE, position, object names) and has the permit scrub the rest.
import type { MessageFields } from './messages.ts'
import { errorResponse, noticeResponse } from './messages.ts'

/** Severity, SQLSTATE, positions, and where in the server's source: they hold no value (standards.md 5.2.5). */
const PLAIN: ReadonlySet<string> = new Set(['S', 'V', 'C', 'P', 'p', 'F', 'L', 'R'])
/** Whose text a function wrote (RAISE ... USING ERRCODE) says no more than that one was raised. */
const RAISED = 'P0001'
/** Names of schema, table, column, type, constraint: clients act on them. */
const NAMES: ReadonlySet<string> = new Set(['s', 't', 'c', 'd', 'n'])

/** The fields of the body; undefined when it is malformed. */
export function readMessageFields(
  bytes: Buffer,
  start: number,
  end: number,
): MessageFields | undefined {
  const fields: [string, string][] = []
  let at = start
  while (at < end && bytes[at] !== 0) {
    const zero = bytes.indexOf(0, at + 1)
    if (zero < 0 || zero >= end) return undefined
    fields.push([String.fromCharCode(bytes[at] as number), bytes.toString('utf8', at + 1, zero)])
    at = zero + 1
  }
  return at === end - 1 ? fields : undefined
}

export function fieldOf(fields: MessageFields, code: string): string | undefined {
  return fields.find(field => field[0] === code)?.[1]
}

/** True for an error after which the server closes the connection. `V` is never localised (since 9.6). */
export function isFatal(fields: MessageFields): boolean {
  const severity = fieldOf(fields, 'V') ?? fieldOf(fields, 'S') ?? ''
  return severity === 'FATAL' || severity === 'PANIC'
}

/** The same message with its free texts scrubbed; undefined when that changes nothing. */
export function scrubFields(
  kind: 'error' | 'notice',
  fields: MessageFields,
  scrub: (text: string) => string,
): Uint8Array | undefined {
  if (namesOnly(fields)) return undefined
  let changed = false
  // A function may raise an error with any value as a name (RAISE ... USING COLUMN =): then they are free text.
  const namesAreText = !saidByServer(fields)
  const raised = namesAreText && fieldOf(fields, 'F') !== undefined
  const scrubbed = fields.map(([code, text]) => {
    // A code of five characters and a place in a text that was built may carry a value as well.
    const carries = raised && (code === 'C' || code === 'p')
    if ((PLAIN.has(code) && !carries) || (NAMES.has(code) && !namesAreText))
      return [code, text] as const
    const said = scrub(text)
    const clean = !carries || said === text ? said : code === 'C' ? RAISED : '1'
    if (clean !== text) changed = true
    return [code, clean] as const
  })
  if (!changed) return undefined
  return kind === 'error' ? errorResponse(scrubbed) : noticeResponse(scrubbed)
}

/** True when the server's own code says it: its sources are `.c` files, those of languages begin with `pl`. */
function saidByServer(fields: MessageFields): boolean {
  const file = fieldOf(fields, 'F') ?? ''
  return file.endsWith('.c') && !file.startsWith('pl')
}

/**
 * True for what parse analysis says of the client's own text: an unknown table, a column that is not there. It has
 * read no row yet, so it can quote none. Inside a function (`W`, `q`) a text may be built from values; and so it may
 * at run time (a cast to regclass says "relation … does not exist" too), which has no position in the client's text.
 */
function namesOnly(fields: MessageFields): boolean {
  const has = (code: string) => fieldOf(fields, code) !== undefined
  const source = fieldOf(fields, 'F') ?? ''
  return /^parse_[a-z]+\.c$/.test(source) && has('P') && !has('W') && !has('q')
}
