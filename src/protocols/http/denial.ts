// An error of ours as a client of this wire sees it: a status and a problem document (RFC 9457), with what can be done.
import { GatewayError, isGatewayError } from '#model'
import { type Denial, statusOf } from '#proxy'
import { Fields } from '#transport/http'

/** Seconds between two tries at what a person is asked about. */
const RETRY_AFTER_S = 5

export function denial(error: unknown): Denial {
  const known = isGatewayError(error)
    ? error
    : new GatewayError('internal', 'the gateway failed on this; nothing was passed on')
  const { code, message, detail, hint, requestId, retryBefore } = known
  const status = statusOf(known)
  const body = `${JSON.stringify({
    type: `urn:sallyport:error:${code}`,
    title: code.replaceAll('_', ' '),
    status,
    detail: message,
    code,
    ...(detail === undefined ? {} : { about: detail }),
    ...(hint === undefined ? {} : { hint }),
    ...(requestId === undefined ? {} : { requestId }),
    ...(retryBefore === undefined ? {} : { retryBefore: new Date(retryBefore).toISOString() }),
  })}\n`
  const fields: [string, string][] = [
    ['content-type', 'application/problem+json'],
    ['cache-control', 'no-store'],
  ]
  if (status === 401) {
    fields.push(['www-authenticate', 'Bearer realm="sallyport"'])
    fields.push(['www-authenticate', 'Basic realm="sallyport", charset="UTF-8"'])
  }
  if (retryBefore !== undefined) fields.push(['retry-after', String(RETRY_AFTER_S)])
  const length = Buffer.byteLength(body)
  return { head: { status, fields: Fields.of(...fields), body: { kind: 'length', length } }, body }
}
