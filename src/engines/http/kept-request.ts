// A request as it is kept: what those who read records may not see is out of its path and query too. Nothing is decided by it.
import type { Look, Operation, Statement } from '#model'
import { type BodyLook, keptBody } from './kept-body.ts'
import { decoded, keptParts, keptQuery } from './kept-query.ts'

export interface KeptBody {
  /** All of it: the request's text ends with it. */
  readonly text: string
  readonly type: string
}

function withKept(text: string, body: KeptBody, look: BodyLook): string {
  const kept = keptBody(body.text, body.type, look)
  return kept === body.text ? text : text.slice(0, text.length - body.text.length) + kept
}

/** The statement's own text and operations when nothing is hidden in them. */
export function keptRequest(
  { text, operations }: Pick<Statement, 'text' | 'operations'>,
  look: BodyLook,
  body?: KeptBody,
): Pick<Statement, 'text' | 'operations'> {
  const shown = keptFirstLine(body === undefined ? text : withKept(text, body, look), look)
  let changed = shown !== text
  const kept = operations.map((operation): Operation => {
    const name = look.text(operation.object.name)
    if (name === operation.object.name) return operation
    changed = true
    return { ...operation, object: { ...operation.object, name } }
  })
  return changed ? { text: shown, operations: kept } : { text, operations }
}

/** Of `METHOD /path?query`, whatever follows. */
export function keptFirstLine(text: string, look: Look): string {
  const [whole, method = '', path = '', query] = /^(\S+ )([^\s?]+)(?:\?(\S*))?/.exec(text) ?? []
  if (whole === undefined) return text
  const shownPath = keptPath(path, look)
  const shownQuery = query === undefined ? undefined : keptQuery(query, look)
  if (shownPath === path && shownQuery === query) return text
  const mark = shownQuery === undefined ? '' : `?${shownQuery}`
  return `${method}${shownPath}${mark}${text.slice(whole.length)}`
}

function keptPath(path: string, look: Look): string {
  return keptParts(path, '/', look, decoded)
}
