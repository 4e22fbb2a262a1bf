// Names of files: what a client may write, which names it goes through, and what policies call it. Pure: where a link
// leads is for the host to say.
import { InvalidRequest } from '#model'

/** PATH_MAX of Linux. */
const MOST_BYTES = 4_096
/** Each name is asked about at the host: a path of two thousand would be an amplifier. */
export const MOST_NAMES = 128
const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** A path as the client wrote it. Throws when policies could not be asked about it: a name must be text, and whole. */
export function readPath(bytes: Uint8Array): string {
  if (bytes.length > MOST_BYTES || bytes.includes(0)) throw unreadable()
  try {
    return text.decode(bytes)
  } catch {
    // Safe: refused. No policy could name it, and two names could look alike.
    throw unreadable()
  }
}

function unreadable(): InvalidRequest {
  return new InvalidRequest('statement_unreadable', 'a path must be UTF-8 text without NUL')
}

/** From the root; `home` is where relative paths begin. */
export function absolute(path: string, home: string): string {
  return path.startsWith('/') ? path : `${home}/${path}`
}

/** The names that an absolute path goes through. Undefined where `..` is among them: only the host knows what is above a link. */
export function namesOf(path: string): readonly string[] | undefined {
  const names = path.split('/').filter(name => name !== '' && name !== '.')
  if (names.length > MOST_NAMES)
    throw new InvalidRequest('statement_unreadable', 'a path is too deep')
  return names.includes('..') ? undefined : names
}

export function join(names: readonly string[]): string {
  return `/${names.join('/')}`
}

/** As if nothing in it were a link: for what does not exist. */
export function lexical(path: string): string {
  const names: string[] = []
  for (const name of path.split('/')) {
    if (name === '..') names.pop()
    else if (name !== '' && name !== '.') names.push(name)
  }
  return join(names.slice(0, MOST_NAMES))
}

/** The folder and the last name in it; undefined where the last name is none of a folder's own (`/`, `.`, `..`). */
export function splitLast(path: string): { folder: string; name: string } | undefined {
  const trimmed = path.replace(/\/+$/u, '')
  const at = trimmed.lastIndexOf('/')
  const name = trimmed.slice(at + 1)
  if (name === '' || name === '.' || name === '..') return undefined
  return { folder: trimmed.slice(0, Math.max(at, 0)) || '/', name }
}

/** What policies call it: without the leading slash. The root is `.`, a name that no path ends in here. */
export function objectName(path: string): string {
  return path === '/' ? '.' : path.slice(1)
}
