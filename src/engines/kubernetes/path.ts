// The path of a request as its segments, decoded once. What API servers, or servers behind them, could read in two ways
// is refused, not repaired.
import { InvalidRequest } from '#model'

/** Without the slashes at both ends; decoded. Throws InvalidRequest. */
export function readSegments(path: string): readonly string[] {
  if (!path.startsWith('/')) throw unreadable('the path has no leading slash')
  // A slash at the end means the same without it (splitPath of k8s.io/apiserver).
  const inside = path.endsWith('/') ? path.slice(1, -1) : path.slice(1)
  if (inside === '') {
    if (path === '/') return []
    throw unreadable('the path has an empty segment')
  }
  return inside.split('/').map(readSegment)
}

function readSegment(written: string): string {
  const segment = decode(written)
  if (segment === '') throw unreadable('the path has an empty segment')
  if (segment === '.' || segment === '..') throw unreadable('the path has a segment of dots')
  // A slash decoded is a segment more to an API server; `%` may be decoded again, `;` cut off.
  if (/[/\\;%]/.test(segment))
    throw unreadable('a segment of the path has a slash, a backslash, `;` or `%` in it')
  if (/[\p{Cc}\p{Zl}\p{Zp}]/u.test(segment))
    throw unreadable('the path has a control character in it')
  return segment
}

function decode(written: string): string {
  if (!written.includes('%')) return written
  try {
    return decodeURIComponent(written)
  } catch (cause) {
    // Not passed over: the request is refused with it.
    throw new InvalidRequest('statement_unreadable', 'the path is not UTF-8', { cause })
  }
}

function unreadable(message: string): InvalidRequest {
  return new InvalidRequest('statement_unreadable', message)
}
