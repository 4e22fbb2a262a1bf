// What a method does, by its own definition (RFC 9110 section 9.2.1). Whatever is not known to be safe is a write.
import type { Action } from '#model'

const SAFE: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'QUERY'])
/** TRACE shows what we add to a request to whoever sent it; CONNECT asks for a tunnel to anywhere. */
const REFUSED: ReadonlySet<string> = new Set(['TRACE', 'TRACK', 'CONNECT'])

export function actionOf(method: string): Action {
  return SAFE.has(method) ? 'read' : 'write'
}

/** Upper case letters and dashes only: servers differ over `get` and `Get`. */
export function isServed(method: string): boolean {
  return /^[A-Z][A-Z-]{0,31}$/.test(method) && !REFUSED.has(method)
}
