// A request as it is kept: what those who read records may not see is out of its path and query too. Nothing is decided by it.
import type { Look, Operation, Statement } from '#model'
import { decodeSegment } from './routes.ts'

const HIDDEN = '****'

/** The statement's own text and operations when nothing is hidden in them. */
export function keptRequest(
  { text, operations }: Pick<Statement, 'text' | 'operations'>,
  look: Look,
): Pick<Statement, 'text' | 'operations'> {
  const shown = keptFirstLine(text, look)
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
  return keptParts(path, '/', look, decode)
}

function keptQuery(query: string, look: Look): string {
  const named = query
    .split('&')
    .map(pair => {
      const mark = pair.indexOf('=')
      if (mark < 0) return pair
      const hides = look.hidesName(decode(pair.slice(0, mark).replaceAll('+', ' ')))
      return hides ? `${pair.slice(0, mark)}=${HIDDEN}` : pair
    })
    .join('&')
  return keptParts(named, '&', look, pair => decode(pair.replaceAll('+', ' ')))
}

/** Looked at together, for what stands beside a value tells what it is; put back one by one. */
function keptParts(
  text: string,
  separator: string,
  look: Look,
  read: (part: string) => string,
): string {
  const parts = text.split(separator)
  const decoded = parts.map(read)
  const all = decoded.join(separator)
  const shown = look.text(all)
  if (shown === all) return text
  const pieces = shown.split(separator)
  // What was hidden had a separator in it: nobody can tell which part is which.
  if (pieces.length !== parts.length) return inOneWord(shown)
  return parts
    .map((part, at) => (pieces[at] === decoded[at] ? part : inOneWord(pieces[at]!)))
    .join(separator)
}

/** Readable, and without what would end the first line or a part of it. */
function inOneWord(text: string): string {
  return text.replace(/[\s?#%\p{Cc}]/gu, found => encodeURIComponent(found))
}

function decode(text: string): string {
  return decodeSegment(text) ?? text
}
