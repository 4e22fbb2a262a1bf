// The parts of a query, a form or a path as they are kept: each in its own writing where nothing is hidden in it.
import type { Look } from '#model'
import { decodeSegment } from './routes.ts'

const HIDDEN = '****'

/** A query, or a form, without what those who read records may not see. */
export function keptQuery(query: string, look: Look): string {
  const named = query
    .split('&')
    .map(pair => {
      const mark = pair.indexOf('=')
      if (mark < 0) return pair
      const hides = look.hidesName(decoded(pair.slice(0, mark).replaceAll('+', ' ')))
      return hides ? `${pair.slice(0, mark)}=${HIDDEN}` : pair
    })
    .join('&')
  return keptParts(named, '&', look, pair => decoded(pair.replaceAll('+', ' ')))
}

/** Looked at together, for what stands beside a value tells what it is; put back one by one. */
export function keptParts(
  text: string,
  separator: string,
  look: Look,
  read: (part: string) => string,
): string {
  const parts = text.split(separator)
  const plain = parts.map(read)
  const all = plain.join(separator)
  const shown = look.text(all)
  if (shown === all) return text
  const pieces = shown.split(separator)
  // What was hidden had a separator in it: nobody can tell which part is which.
  if (pieces.length !== parts.length) return inOneWord(shown)
  return parts
    .map((part, at) => (pieces[at] === plain[at] ? part : inOneWord(pieces[at]!)))
    .join(separator)
}

/** Readable, and without what would end the first line or a part of it. */
function inOneWord(text: string): string {
  return text.replace(/[\s?#%\p{Cc}]/gu, found => encodeURIComponent(found))
}

export function decoded(text: string): string {
  return decodeSegment(text) ?? text
}
