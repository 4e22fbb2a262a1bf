// Cookies of browsers that signed in, and the guard that goes with them: a browser sends cookies along with what
// other sites make it do. `__Host-`: of this host alone, over TLS alone, for every path.
import type { IncomingMessage } from 'node:http'
import { AccessDenied } from '#model'

export const SIGN_IN_COOKIE = '__Host-sallyport'
/** While the person is at the issuer. */
export const PENDING_COOKIE = '__Host-sallyport-pending'

/** The value of a cookie; undefined when it is not there, or there twice. */
export function cookieOf(
  request: Pick<IncomingMessage, 'headers'>,
  name: string,
): string | undefined {
  const found = (request.headers.cookie ?? '')
    .split(';')
    .map(part => part.trim())
    .filter(part => part.startsWith(`${name}=`))
  return found.length === 1 ? found[0]?.slice(name.length + 1) : undefined
}

/** `maxAgeSeconds` 0 takes it away. */
export function setCookie(name: string, value: string, maxAgeSeconds: number): string {
  return `${name}=${value}; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=${maxAgeSeconds}`
}

/**
 * Refuses what another site made the browser do (CSRF). Browsers say so in Sec-Fetch-Site; those that do not say
 * must name our own origin, or only read. Throws AccessDenied.
 */
export function refuseOtherSites(request: Pick<IncomingMessage, 'headers' | 'method'>): void {
  const site = request.headers['sec-fetch-site']
  const { origin, host } = request.headers
  const reads = request.method === 'GET' || request.method === 'HEAD'
  const own =
    site === undefined
      ? origin === undefined
        ? reads
        : origin === `https://${host}`
      : site === 'same-origin' || (site === 'none' && reads)
  // Our pages send no referrer, so a browser names the origin of their forms `null`; what it says of the site stands.
  const unnamed = origin === undefined || (origin === 'null' && site === 'same-origin')
  if (own && (unnamed || origin === `https://${host}`)) return
  throw new AccessDenied('not_allowed', 'This was asked by a page of another site.', {
    hint: 'Ask it from the console itself, or with a token in the Authorization header.',
  })
}
